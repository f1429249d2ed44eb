// What the caller was told, and what a crash then makes of the record.

#include "worlds.hpp"

using sim::Mishap;
using sim::RpcFault;
using sim::World;
using std::chrono::seconds;
using worlds::open;
using worlds::peer;
using worlds::with;

TEST_CASE("a batch that the caller was told has failed is not sent after a crash") {
  auto setup = with({peer("a"), peer("b")});
  setup.rpc_faults.push_back(RpcFault{Mishap::refused, "signpsbt", 1, 1, 1, {}});
  setup.rpc_faults.push_back(RpcFault{Mishap::stuck, "datastore", 5, 1, 1, {}});  // "it failed" is never recorded
  World world(std::move(setup));
  const auto call = world.start("multifundchannel", open({"a", "b"}));
  world.run_for(seconds(5));
  CHECK(!world.outcome(call).answered);  // as long as a crash could complete it
  world.run_for(seconds(80));
  REQUIRE(world.outcome(call).answered);
  REQUIRE(!world.outcome(call).ok());
  world.kill_plugin();
  world.start_plugin();
  world.settle();
  // Told "failed", the caller tries again: this one must not be sent behind the caller's back.
  CHECK(worlds::channels(world) == 0);
  CHECK(world.node().core().methods.calls().count("sendpsbt") == 0);
  worlds::check_invariants(world);
}

// A crash then finds all or nothing, and no call that undoes it still on its way.
TEST_CASE("as long as it cannot be recorded that a batch failed, nothing of it is undone") {
  for (const int refusals : {2, 6}) {
    CAPTURE(refusals);
    auto setup = with({peer("a"), peer("b")});
    setup.rpc_faults.push_back(RpcFault{Mishap::refused, "signpsbt", 1, 1, 1, {}});
    const std::uint64_t from = worlds::with_txprepare() ? 7 : 5;
    setup.rpc_faults.push_back(
        RpcFault{Mishap::refused, "datastore", from, static_cast<std::uint64_t>(refusals), 1, {}});
    World world(std::move(setup));
    const auto failed = world.call("multifundchannel", open({"a", "b"}));
    const auto& calls = world.node().core().methods.calls();
    const bool warned = worlds::error(failed).message.find("a crash may still complete it") != std::string::npos;
    CHECK(warned == (refusals > 3));
    REQUIRE(calls.at("datastore") >= from - 1);  // those that were carried out
    const bool recorded = calls.at("datastore") >= from;
    CHECK(recorded == !warned);
    if (!recorded) CHECK((!calls.contains("fundchannel_cancel") && !calls.contains("close")));
    if (!recorded && !worlds::with_txprepare()) CHECK(!calls.contains("unreserveinputs"));
    world.run_for(seconds(60));
    CHECK(worlds::channels(world) == 0);
    worlds::check_invariants(world);
  }
}

TEST_CASE("forgetting a batch twice at once: neither answer is an internal error") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcast = sim::Broadcast::fails;
  setup.reply_delay = std::chrono::milliseconds(10);
  World world(std::move(setup));
  const auto failed = world.call("multifundchannel", open({"a", "b"}));
  REQUIRE(worlds::error(failed).code == 303);
  const auto list = world.call("listmultifundchannels", "{}");
  const auto at = list.result->find("\"batch\":\"") + 9;
  const auto params = R"({"batch":")" + list.result->substr(at, 32) + R"(","confirm":true})";
  const auto first = world.start("multifundchannel-forget", params);
  const auto second = world.start("multifundchannel-forget", params);
  world.finish_all();
  CHECK(world.outcome(first).ok());
  if (!world.outcome(second).ok()) {
    CHECK(world.outcome(second).result.error().message.find("internal error") == std::string::npos);
  }
}

TEST_CASE("a batch that was forgotten while its transaction was to be sent again is not sent") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcasts = {sim::Broadcast::fails};
  setup.rpc_faults.push_back(RpcFault{Mishap::held_up, "deldatastore", 1, 1, 1, seconds(20)});
  World world(std::move(setup));
  const auto failed = world.call("multifundchannel", open({"a", "b"}));
  REQUIRE(worlds::error(failed).code == 303);
  const auto sends = world.node().core().methods.calls().at("sendpsbt");
  const auto list = world.call("listmultifundchannels", "{}");
  const auto at = list.result->find("\"batch\":\"") + 9;
  const auto forgotten =
      world.call("multifundchannel-forget", R"({"batch":")" + list.result->substr(at, 32) + R"(","confirm":true})");
  REQUIRE(forgotten.ok());
  CHECK(world.node().core().methods.calls().at("sendpsbt") == sends);
}

TEST_CASE("a batch that was sent is a success, though a call to one that dropped out is never answered") {
  auto setup = with({peer("a"), peer("b")});
  setup.rpc_faults.push_back(RpcFault{Mishap::reply_lost, "fundchannel_start", 1, 1, 1, {}});
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("minchannels":1)"));
  CHECK(worlds::count(outcome, "channel_ids") == 1);
  worlds::check_invariants(world);
}
