#include "worlds.hpp"

using sim::World;
using worlds::count;
using worlds::field;
using worlds::open;
using worlds::peer;
using worlds::with;

TEST_CASE("three peers get a channel each from one transaction") {
  World world(with({peer("a"), peer("b"), peer("c")}));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}));
  CHECK(count(outcome, "channel_ids") == 3);
  CHECK(field(outcome, "failed") == "[]");
  CHECK(field(outcome, "txid").size() == 66);
  CHECK(outcome.replies == 1);
  worlds::check_invariants(world);
}

TEST_CASE("a phase takes as long as its slowest peer, not the sum of all") {
  auto setup = with({});
  std::vector<std::string> names;
  for (int i = 0; i < 8; ++i) {
    auto one = peer("p" + std::to_string(i));
    one.delay = std::chrono::milliseconds(100);
    names.push_back(one.name);
    setup.peers.push_back(std::move(one));
  }
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open(names));
  CHECK(count(outcome, "channel_ids") == 8);
  // connect, start and complete are a few round trips of 200 ms each.
  CHECK(outcome.took < std::chrono::milliseconds(2000));
  worlds::check_invariants(world);
}

TEST_CASE("the fields of a destination reach the peer") {
  World world(with({peer("a")}));
  const auto outcome = world.call(
      "multifundchannel",
      R"({"destinations":[{"id":"$a@","amount":"0.01btc","push_msat":5000,"announce":false,"mindepth":2,"reserve":20000}]})");
  CHECK(count(outcome, "channel_ids") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("parameters may come by position") {
  World world(with({peer("a")}));
  const auto outcome = world.call("multifundchannel", R"([[{"id":"$a@","amount":1000000}],"2000perkw",0,null,1])");
  CHECK(count(outcome, "channel_ids") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("two batches run at the same time and share nothing") {
  auto setup = with({peer("a"), peer("b"), peer("c"), peer("d")});
  setup.coins = {{}, {}};
  World world(std::move(setup));
  const auto first = world.start("multifundchannel", open({"a", "b"}));
  const auto second = world.start("multifundchannel", open({"c", "d"}));
  world.finish_all();
  CHECK(count(world.outcome(first), "channel_ids") == 2);
  CHECK(count(world.outcome(second), "channel_ids") == 2);
  CHECK(field(world.outcome(first), "txid") != field(world.outcome(second), "txid"));
  worlds::check_invariants(world);
}

TEST_CASE("two batches that want the same peer: one opening at a time, nothing left behind") {
  auto setup = with({peer("a"), peer("b")});
  setup.coins = {{}, {}};
  World world(std::move(setup));
  world.start("multifundchannel", open({"a", "b"}));
  world.start("multifundchannel", open({"b", "a"}));
  world.finish_all();
  worlds::check_invariants(world);
}

TEST_CASE("without spenderp the command has the builtin's name") {
  auto setup = with({peer("a")});
  setup.spenderp = false;
  World world(std::move(setup));
  CHECK(count(world.call("multifundchannel", open({"a"})), "channel_ids") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("lightningd before v25.12 does not know withhold") {
  auto setup = with({peer("a"), peer("b")});
  setup.version = "v25.09.1";
  World world(std::move(setup));
  CHECK(count(world.call("multifundchannel", open({"a", "b"})), "channel_ids") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("bad parameters are refused before anything happens") {
  World world(with({peer("a")}));
  for (const auto* params : {
           R"({"destinations":[]})",
           R"({"destinations":[{"id":"$a@","amount":100}]})",
           R"({"destinations":[{"id":"$a@","amount":"all"},{"id":"$a@","amount":1000000}]})",
           R"({"destinations":[{"id":"02zz","amount":1000000}]})",
           R"({"destinations":[{"id":"$a@","amount":1000000,"colour":"red"}]})",
       }) {
    const auto outcome = world.call("multifundchannel", params);
    CHECK(worlds::error(outcome).code == -32602);
    CHECK(outcome.took == std::chrono::milliseconds(0));
  }
  CHECK(worlds::error(world.call("multifundchannel", open({"a"}, R"("feerate":"quick")"))).code == -32602);
  worlds::check_invariants(world);
}
