// A label: whoever asks twice opens once.
#include <algorithm>

#include "worlds.hpp"

using sim::Broadcast;
using sim::Outcome;
using sim::World;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::calls;
using worlds::count;
using worlds::error;
using worlds::field;
using worlds::listed;
using worlds::open;
using worlds::peer;
using worlds::says;
using worlds::two_peers;
using worlds::with;

namespace {

const std::string rent = open({"a", "b"}, R"("label":"rent")");
const std::string other = open({"a"}, R"("label":"rent")");

Outcome call(World& world, const std::string& params = rent) { return world.call("multifundchannel", params); }

/// How many transactions of the wallet are in mempool or chain.
std::size_t sent(World& world) {
  const auto& core = world.node().core();
  const auto& attempted = core.monitor.attempted();
  return static_cast<std::size_t>(std::count_if(attempted.begin(), attempted.end(),
                                                [&core](const auto& entry) { return core.chain.has(entry.first); }));
}

}  // namespace

TEST_CASE("the same call with the same label waits for the running batch, and gets its answer") {
  World world(two_peers());
  const auto first = world.start("multifundchannel", rent);
  const auto second = world.start("multifundchannel", rent);
  world.run_for(std::chrono::milliseconds(3));
  const auto third = world.start("multifundchannel", rent);
  world.finish_all();
  REQUIRE(world.outcome(first).ok());
  CHECK(*world.outcome(second).result == *world.outcome(first).result);
  CHECK(*world.outcome(third).result == *world.outcome(first).result);
  CHECK(calls(world, "sendpsbt") == 1);
  CHECK(says(listed(world), R"("label":"rent")"));
  worlds::check_invariants(world);
}

TEST_CASE("the same call later gets the same answer, also after a restart, however it is written") {
  World world(two_peers());
  const auto first = call(world);
  REQUIRE(first.ok());
  CHECK(*call(world).result == *first.result);
  CHECK(*call(world, R"([[{"id":"$a@","amount":1000000},{"id":"$b@","amount":1000000}],null,null,null,null,null,null,)"
                     R"(null,null,null,null,null,null,"rent"])")
             .result == *first.result);
  for (int i = 0; i < 2; ++i) {
    i == 0 ? world.restart_lightningd() : (world.kill_plugin(), world.start_plugin());
    CHECK(*call(world).result == *first.result);
  }
  CHECK(calls(world, "sendpsbt") == 1);
  CHECK(call(world, open({"a", "b"}, R"("label":"another")")).ok());
  CHECK(call(world, open({"a", "b"})).ok());
  CHECK(sent(world) == 3);
  worlds::check_invariants(world);
}

TEST_CASE("the same label with other parameters is refused, and names the batch that has it") {
  World world(two_peers());
  (void)world.start("multifundchannel", rent);
  const auto while_it_runs = call(world, other);
  world.finish_all();
  world.restart_lightningd();
  const auto later = call(world, other);
  for (const auto& refused : {while_it_runs, later}) {
    CHECK(error(refused).code == -32602);
    const auto data = error(refused).data;
    REQUIRE(says(data, R"({"batch":")"));
    const auto batch = data.substr(10, 32);
    CHECK(error(refused).message ==
          "label: batch " + batch + " has it, which was called with other parameters, got \"rent\"");
  }
  CHECK(sent(world) == 1);
  worlds::check_invariants(world);
}

TEST_CASE("a batch that fails frees its label") {
  auto setup = two_peers();
  setup.peers[0].faults = {{.phase = sim::Phase::start, .once = true}};
  World world(setup);
  const auto first = world.start("multifundchannel", rent);
  const auto second = world.start("multifundchannel", rent);
  world.finish_all();
  CHECK(error(world.outcome(first)).message == error(world.outcome(second)).message);
  CHECK(call(world, other).ok());
  CHECK(sent(world) == 1);
  worlds::check_invariants(world);
}

TEST_CASE("a batch that may have been sent keeps its label, and answers with what became of it") {
  for (const auto broadcast : {Broadcast::fails, Broadcast::hides_success, Broadcast::never_answers}) {
    CAPTURE(static_cast<int>(broadcast));
    World world(two_peers(broadcast));
    CHECK(error(call(world)).code == 303);
    const auto again = call(world);
    if (!again.ok()) {
      CHECK(error(again).code == 303);
      CHECK(says(error(again).message, "was signed and may be on its way"));
      CHECK(says(error(call(world, other)).message, "which was called with other parameters"));
    }
    world.restart_lightningd();
    world.run_for(minutes(90));
    world.mine(1);
    world.run_for(minutes(90));
    const auto settled = call(world);
    CHECK(count(settled, "channel_ids") == 2);
    CHECK(says(field(settled, "channel_ids"), R"("outnum":)"));
    CHECK(field(settled, "failed") == "[]");
    CHECK(*call(world).result == *settled.result);
    CHECK(sent(world) == 1);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a crash at any moment: the same call never opens a second time") {
  for (const auto how : {sim::End::kill_plugin, sim::End::kill_lightningd, sim::End::stop_plugin}) {
    for (std::uint64_t event = 0; event < 200; event += 3) {
      CAPTURE(event);
      auto setup = two_peers();
      setup.kills = {{.event = event, .how = how, .down = seconds(1)}};
      World world(setup);
      (void)world.start("multifundchannel", rent);
      world.finish_all(minutes(10));
      world.run_for(seconds(30));
      auto again = call(world);
      for (int i = 0; i < 20 && !again.ok(); ++i) {
        world.run_for(minutes(2));
        again = call(world);
      }
      CHECK(count(again, "channel_ids") == 2);
      CHECK(sent(world) == 1);
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("a preview with a label that a batch has is refused, and one with another is not") {
  World world(two_peers());
  REQUIRE(call(world).ok());
  CHECK(says(error(call(world, open({"a"}, R"("label":"rent","dryrun":true)"))).message,
             "has it: the call would open nothing, got \"rent\""));
  CHECK(call(world, open({"a"}, R"("label":"new","dryrun":true)")).ok());
  CHECK(call(world, open({"a"}, R"("label":"new")")).ok());
  worlds::check_invariants(world);
}

TEST_CASE("as long as the datastore is not read, nothing with a label is opened") {
  for (const auto* method : {"listdatastore", "makesecret"}) {
    auto setup = two_peers();
    setup.rpc_faults = {{.what = sim::Mishap::refused, .method = method, .count = 12}};
    World world(setup);
    const auto refused = call(world);
    CHECK(says(error(refused).message, "label: which batches have one is not known yet"));
    CHECK(calls(world, "connect") == 0);
    world.run_for(minutes(30));
    CHECK(call(world).ok());
    worlds::check_invariants(world);
  }
}

TEST_CASE("a label that cannot be recorded keeps the record of its batch, and so does a lost answer") {
  for (const auto mishap : {sim::Mishap::refused, sim::Mishap::reply_lost, sim::Mishap::stuck, sim::Mishap::held_up}) {
    CAPTURE(static_cast<int>(mishap));
    auto setup = two_peers();
    // The batch itself writes five times.
    setup.rpc_faults = {{.what = mishap, .method = "datastore", .from = 5, .count = 2, .delay = seconds(20)}};
    World world(setup);
    const auto first = call(world);
    world.run_for(seconds(1));
    world.kill_plugin();
    world.start_plugin();
    auto again = call(world);
    for (int i = 0; i < 20 && !again.ok(); ++i) {
      world.run_for(minutes(2));
      again = call(world);
    }
    CHECK(count(again, "channel_ids") == 2);
    CHECK(sent(world) == 1);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a batch that is given up or forgotten frees its label") {
  auto setup = two_peers();
  setup.broadcasts.clear();
  setup.broadcast = Broadcast::fails;
  World world(setup);
  CHECK(error(call(world)).code == 303);
  const auto batch = worlds::field_of_batch(world, "batch");
  const auto confirmed = R"({"batch":")" + batch + R"(","confirm":true})";
  REQUIRE(world.call("multifundchannel-forget", confirmed).ok());
  CHECK(says(listed(world), R"("state":"forgotten")"));
  CHECK(says(error(call(world, other)).message, "was signed, but sending it was not confirmed"));
}

TEST_CASE("the last 100 labels of batches that have opened are kept") {
  auto setup = with({peer("a")});
  setup.coins = std::vector<sim::CoinSetup>(110);
  World world(setup);
  const auto numbered = [](int i) { return open({"a"}, R"("label":")" + std::to_string(i) + '"'); };
  const auto opened = call(world, numbered(0));
  REQUIRE_MESSAGE(opened.ok(), opened.result.error().message);
  for (int i = 1; i <= 100; ++i) {
    world.peer("a").channels.clear();
    REQUIRE(call(world, numbered(i)).ok());
  }
  world.restart_lightningd();
  CHECK(says(error(call(world, open({"a"}, R"("label":"1","minconf":1)"))).message,
             "has it, which was called with other"));
  world.peer("a").channels.clear();
  const auto again = call(world, numbered(0));
  REQUIRE(again.ok());
  CHECK(field(again, "txid") != field(opened, "txid"));
}
