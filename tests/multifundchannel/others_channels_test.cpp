// fundchannel_cancel takes a peer, not a channel. Whose channel it takes when ours is gone just then.

#include "worlds.hpp"

using sim::Deed;
using sim::Fault;
using sim::Kind;
using sim::Mishap;
using sim::Phase;
using sim::RpcFault;
using sim::World;
using std::chrono::milliseconds;
using std::chrono::seconds;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

/// `a` sends an error for its channel after a while; `b` falls silent, so that the batch has to undo that of `a`
/// after two seconds.
sim::Setup doomed(milliseconds error_after) {
  auto a = peer("a", {Fault{Phase::opened, Kind::refuse, true, error_after}});
  auto b = peer("b", {Fault{Phase::complete, Kind::silent}});
  auto c = peer("c");
  a.connected = b.connected = c.connected = true;
  auto setup = with({a, b, c});
  setup.coins.assign(2, {bitcoin::Sat{5'000'000}});
  setup.options["multifundchannel-peer-timeout"] = "2";
  setup.reply_delay = milliseconds(50);
  return setup;
}

}  // namespace

TEST_CASE("our channel vanishes just before it is cancelled: another program's is not cancelled in its place") {
  for (int after = 1900; after < 2200; after += 10) {
    CAPTURE(after);
    auto setup = doomed(milliseconds(after));
    setup.acts = {{milliseconds(1500), Deed::open_fully, 0, 1}};
    World world(std::move(setup));
    (void)world.call("multifundchannel", open({"a", "b"}));
    worlds::check_invariants(world);
  }
}

TEST_CASE("our channel vanishes just before it is cancelled: another batch's is not cancelled in its place") {
  for (int after = 1900; after < 2150; after += 50) {
    for (int start = 1500; start < 2100; start += 25) {
      CAPTURE(after);
      CAPTURE(start);
      World world(doomed(milliseconds(after)));
      (void)world.start("multifundchannel", open({"a", "b"}));
      world.run_for(milliseconds(start));
      const auto second = world.start("multifundchannel", open({"a", "c"}));
      world.finish_all();
      CHECK((!world.outcome(second).ok() || world.peer("a").channels.size() == 1));
      worlds::check_invariants(world);
    }
  }
}

// It is not answered for seconds, and meanwhile our channel is gone and another batch has one with that peer.
TEST_CASE("a peer is not asked to start while a cancel with it is on its way") {
  for (int start = 2200; start < 4200; start += 100) {
    CAPTURE(start);
    auto setup = doomed(milliseconds(2300));
    RpcFault late;
    late.what = Mishap::held_up;
    late.method = "fundchannel_cancel";
    late.delay = milliseconds(1800);
    setup.rpc_faults = {late};
    World world(std::move(setup));
    (void)world.start("multifundchannel", open({"a", "b"}));
    world.run_for(milliseconds(start));
    const auto second = world.start("multifundchannel", open({"a", "c"}));
    world.finish_all();
    CHECK_MESSAGE(world.outcome(second).ok(), worlds::error(world.outcome(second)).message);
    CHECK(world.peer("a").channels.size() == 1);
    worlds::check_invariants(world);
  }
}

TEST_CASE("before v25.12: two batches that fail with the same peer do not wait for each other") {
  for (int start = 0; start < 3'000; start += 100) {
    CAPTURE(start);
    auto setup = with({peer("a"), peer("b", {Fault{Phase::complete, Kind::silent}})});
    setup.peers.push_back(peer("c", {Fault{Phase::complete, Kind::silent}}));
    setup.version = "v25.09";
    setup.coins.assign(2, {bitcoin::Sat{5'000'000}});
    setup.options["multifundchannel-peer-timeout"] = "3";
    World world(std::move(setup));
    (void)world.start("multifundchannel", open({"a", "b"}));
    world.run_for(milliseconds(start));
    (void)world.start("multifundchannel", open({"a", "c"}));
    world.finish_all();
    world.run_for(seconds(60));
    CHECK(world.peer("a").channels.empty());
    worlds::check_invariants(world);
  }
}

TEST_CASE("an updated lightningd: a channel that the old one could not withhold is removed") {
  auto setup = with({peer("a"), peer("b", {Fault{Phase::complete, Kind::silent}})});
  setup.version = "v25.09";
  World world(std::move(setup));
  (void)world.start("multifundchannel", open({"a", "b"}));
  world.run_for(seconds(20));
  REQUIRE(world.peer("a").channels.size() == 1);
  world.kill_lightningd();
  world.node().core().setup.version = "v26.06.6";
  world.start_lightningd();
  world.run_for(seconds(60));
  CHECK(world.peer("a").channels.empty());
  worlds::check_invariants(world);
}

// As when it was built from a clone without tags.
TEST_CASE("whether lightningd can withhold is asked for when its version does not tell") {
  for (const auto what : {Mishap::late, Mishap::refused}) {
    CAPTURE(static_cast<int>(what));
    auto setup = with({peer("a")});
    setup.version = "x9f7baf6";  // the model takes it for a new one
    RpcFault fault;
    fault.what = what;
    fault.method = "help";
    fault.delay = seconds(1);
    RpcFault slow;
    slow.what = Mishap::held_up;
    slow.method = "signpsbt";
    slow.delay = seconds(10);
    setup.rpc_faults = {fault, slow};
    World world(std::move(setup));
    const auto call = world.start("multifundchannel", open({"a"}));
    world.run_for(seconds(5));
    REQUIRE(world.peer("a").channels.size() == 1);
    CHECK(world.peer("a").channels.front().withheld == (what == Mishap::late));
    world.finish_all();
    CHECK(world.outcome(call).ok());
    worlds::check_invariants(world);
  }
}
