#include <chrono>

#include "worlds.hpp"

using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using std::chrono::seconds;
using worlds::calls;
using worlds::count;
using worlds::error;
using worlds::field;
using worlds::listed;
using worlds::lnd;
using worlds::open;
using worlds::peer;
using worlds::says;
using worlds::with;

namespace {

constexpr auto ask = R"("dryrun":"ask")";

bool nothing_recorded(World& world) {
  for (const auto& [key, entry] : world.node().datastore().entries()) {
    if (key.size() > 1 && key[1] == "batch") return false;
  }
  return true;
}

/// What is said of each destination.
std::vector<std::string> destinations(const sim::Outcome& outcome) {
  REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
  const auto document = json::Document::parse(*outcome.result, "result");
  std::vector<std::string> all;
  for (const auto& one : document->root().find("destinations")->elements()) all.push_back(one.dump());
  return all;
}

}  // namespace

TEST_CASE("each peer is asked whether it would open, and nothing is left of it") {
  World world(with({peer("a"), peer("b", {Fault{Phase::start, Kind::refuse, false, {}, "at least 2000000 sat"}}),
                    peer("c", {Fault{Phase::connect, Kind::refuse}}), lnd("d")}));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c", "d"}, ask));
  const auto said = destinations(outcome);
  CHECK(says(said[0], R"("accepts":true)"));
  CHECK(says(said[0], R"("channel_type":{)"));
  CHECK(says(said[1], R"("accepts":false)"));
  CHECK(says(said[1], "at least 2000000 sat"));
  CHECK(says(said[1], R"("cause":"refused")"));
  CHECK_FALSE(says(said[2], "accepts"));  // not asked
  CHECK(says(said[3], R"("accepts":true)"));
  CHECK(says(field(outcome, "warnings"),
             "1 of 3 peers that were asked would not open the channel: the batch would fail"));
  CHECK(calls(world, "fundchannel_start") == 3);
  CHECK(calls(world, "fundchannel_complete") == 0);
  CHECK(calls(world, "reserveinputs") == 0);
  CHECK(nothing_recorded(world));
  for (const auto* name : {"a", "b", "d"}) CHECK_FALSE(world.peer(name).connected);
  CHECK(world.peer("d").kept.empty());
  CHECK_FALSE(says(listed(world), R"("batch":)"));
  worlds::check_invariants(world);
}

TEST_CASE("the real batch goes on as if nobody had been asked") {
  World world(with({peer("a"), lnd("b")}));
  CHECK(count(world.call("multifundchannel", open({"a", "b"}, ask)), "destinations") == 2);
  CHECK(count(world.call("multifundchannel", open({"a", "b"})), "channel_ids") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("a plain preview asks no peer") {
  World world(with({peer("a")}));
  CHECK_FALSE(says(destinations(world.call("multifundchannel", open({"a"}, R"("dryrun":true)")))[0], "accepts"));
  CHECK(calls(world, "fundchannel_start") == 0);
  CHECK(calls(world, "datastore") == 0);
}

TEST_CASE("a peer that another batch opens with is not asked") {
  auto slow = peer("a");
  slow.delay = seconds(2);
  auto setup = with({slow, peer("b")});
  setup.coins.resize(2);
  World world(std::move(setup));
  const auto batch = world.start("multifundchannel", open({"a"}));
  while (calls(world, "fundchannel_start") == 0) world.run_for(std::chrono::milliseconds(100));
  const auto said = destinations(world.call("multifundchannel", open({"a", "b"}, ask)));
  CHECK(says(said[0], "another batch opens one with this peer"));
  CHECK(says(said[0], R"("cause":"busy")"));
  CHECK(says(said[1], R"("accepts":true)"));
  world.finish_all();
  CHECK(count(world.outcome(batch), "channel_ids") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("a peer that never answers costs its deadline, and is undone") {
  World world(with({peer("a", {Fault{Phase::start, Kind::silent}}), peer("b")}));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("dryrun":"ask","peer_timeout":5)"));
  CHECK(says(destinations(outcome)[0], R"("cause":"timeout")"));
  CHECK(says(destinations(outcome)[1], R"("accepts":true)"));
  CHECK(outcome.took < seconds(30));
  worlds::check_invariants(world);
  CHECK(nothing_recorded(world));
}

TEST_CASE("where nobody is left to be asked, nothing is recorded") {
  World world(with({peer("a", {Fault{Phase::connect, Kind::refuse}})}));
  const auto outcome = world.call("multifundchannel", open({"a"}, ask));
  CHECK(outcome.ok());
  CHECK(worlds::calls(world, "datastore") == 0);
  worlds::check_invariants(world);
}

TEST_CASE("whatever ends while peers are asked, nothing of it is left") {
  auto slow = peer("a");
  slow.delay = seconds(1);
  for (const auto how : {sim::End::kill_plugin, sim::End::kill_lightningd, sim::End::stop_plugin}) {
    for (const auto* method : {"datastore", "fundchannel_start", "fundchannel_cancel", "deldatastore"}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(method);
      auto setup = with({slow, peer("b"), lnd("c")});
      setup.kills = {{0, how, seconds(1), method}};
      World world(std::move(setup));
      (void)world.start("multifundchannel", open({"a", "b", "c"}, ask));
      world.run_for(seconds(60));
      worlds::check_invariants(world);
      CHECK(nothing_recorded(world));
      for (const auto* name : {"a", "b", "c"}) CHECK_FALSE(world.peer(name).opening.has_value());
    }
  }
}

TEST_CASE("what cannot be recorded is not asked") {
  auto setup = with({peer("a")});
  setup.rpc_faults = {sim::RpcFault{sim::Mishap::refused, "datastore", 1, 100}};
  World world(std::move(setup));
  const auto said = destinations(world.call("multifundchannel", open({"a"}, ask)));
  CHECK_FALSE(says(said[0], "accepts"));
  CHECK(says(said[0], "cannot be recorded in lightningd's datastore"));
  CHECK(calls(world, "fundchannel_start") == 0);
}

TEST_CASE("dryrun is true, false or ask") {
  World world(with({peer("a")}));
  const auto outcome = world.call("multifundchannel", open({"a"}, R"("dryrun":"asking")"));
  const auto& wrong = error(outcome);
  CHECK(wrong.code == -32602);
  CHECK(says(wrong.message, "dryrun: should be 'true', 'false' or 'ask'"));
}

TEST_CASE("a batch that begins while its peers are asked waits for the end of that") {
  auto slow = peer("a");
  slow.delay = std::chrono::milliseconds(400);
  World world(with({slow, peer("b")}));
  const auto asking = world.start("multifundchannel", open({"a", "b"}, ask));
  while (calls(world, "fundchannel_start") < 2) world.run_for(std::chrono::milliseconds(10));
  CHECK(count(world.call("multifundchannel", open({"a", "b"})), "channel_ids") == 2);
  CHECK(says(destinations(world.outcome(asking))[0], R"("accepts":true)"));
  worlds::check_invariants(world);
}

TEST_CASE("a peer with a channel that awaits its lock-in is not asked") {
  auto awaiting = peer("a");
  awaiting.channels.push_back({.state = "CHANNELD_AWAITING_LOCKIN"});
  World world(with({awaiting, peer("b")}));
  const auto said = destinations(world.call("multifundchannel", open({"a", "b"}, ask)));
  CHECK_FALSE(says(said[0], "accepts"));
  CHECK(says(said[0], R"("cause":"busy")"));
  CHECK(says(said[1], R"("accepts":true)"));
  CHECK(world.peer("a").connected);
  CHECK(calls(world, "disconnect") == 1);  // b
  worlds::check_invariants(world);
}
