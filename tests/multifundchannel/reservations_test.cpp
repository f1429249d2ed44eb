// Reservations are heights that lightningd adds to and subtracts from, whoever asks: when we ask, and what for.

#include "worlds.hpp"

using sim::Broadcast;
using sim::Fault;
using sim::Kind;
using sim::Mishap;
using sim::Phase;
using sim::RpcFault;
using sim::World;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

sim::Coin& coin(World& world) { return world.node().core().wallet.coins().front(); }

bool is_reserved(World& world) { return world.node().core().wallet.is_reserved(coin(world)); }

RpcFault fault(Mishap what, const char* method, spark::Duration delay, std::uint64_t from = 1) {
  RpcFault fault;
  fault.what = what;
  fault.method = method;
  fault.delay = delay;
  fault.from = from;
  return fault;
}

/// `a` refuses, `b` falls silent.
sim::Setup one_refuses(Mishap what) {
  auto setup = with({peer("a", {Fault{Phase::start, Kind::refuse}}), peer("b", {Fault{Phase::start, Kind::silent}})});
  setup.rpc_faults = {fault(what, "unreserveinputs", seconds(12))};
  return setup;
}

/// The state that listmultifundchannels shows of the only batch.
std::string state(World& world) {
  const auto list = world.call("listmultifundchannels", "{}");
  const auto at = list.result->find("\"state\":\"") + 9;
  return list.result->substr(at, list.result->find('"', at) - at);
}

}  // namespace

TEST_CASE("a late answer to unreserveinputs: the next batch has the coin, and keeps it") {
  World world(one_refuses(Mishap::late));
  CHECK(!world.call("multifundchannel", open({"a"})).ok());
  const auto second = world.start("multifundchannel", open({"b"}));
  for (int second_passed = 0; second_passed < 30; ++second_passed) {
    world.run_for(seconds(1));
    if (second_passed > 0) CHECK(is_reserved(world));
  }
  CHECK(!world.outcome(second).answered);
  worlds::check_invariants(world);
}

TEST_CASE("unreserveinputs is held up for longer than we wait: it is not asked for a second time") {
  for (int start = 10'500; start < 13'000; start += 100) {
    CAPTURE(start);
    World world(one_refuses(Mishap::held_up));
    (void)world.start("multifundchannel", open({"a"}));
    world.run_for(milliseconds(start));
    const auto second = world.start("multifundchannel", open({"b"}));
    world.run_for(milliseconds(300));
    const bool had = is_reserved(world) && !world.outcome(second).answered;
    world.run_for(seconds(20));
    if (had && !world.outcome(second).answered) CHECK(is_reserved(world));
    worlds::check_invariants(world);
  }
}

// lightningd frees all inputs with each channel that it closes; each of ours is closed, since a cancel could take the
// peer's other one.
TEST_CASE("two channels of a batch are closed, and the next batch reserves what is freed: it keeps it") {
  std::size_t opened = 0;
  for (int start = 0; start < 3'000; start += 50) {
    CAPTURE(start);
    auto a = peer("a"), b = peer("b"), c = peer("c", {Fault{Phase::complete, Kind::refuse, true}});
    a.channels = b.channels = {{"CHANNELD_AWAITING_LOCKIN", true, true}};
    a.delay = milliseconds(20);
    b.delay = milliseconds(150);
    auto setup = with({a, b, c, peer("d")});
    World world(std::move(setup));
    (void)world.start("multifundchannel", open({"a", "b", "c"}));
    world.run_for(milliseconds(start));
    const auto second = world.start("multifundchannel", open({"d"}));
    world.finish_all();
    if (world.outcome(second).ok()) ++opened;
    worlds::check_invariants(world);
  }
  CHECK(opened > 10);
}

// A reservation is told by its height alone, and lightningd's txprepare and withdraw reserve for 72 and 144 blocks.
TEST_CASE("no batch reserves for as many blocks as lightningd's own commands do") {
  World world(with({peer("a", {Fault{Phase::complete, Kind::refuse}})}));
  const auto height = world.node().core().wallet.height;
  for (int batch = 0; batch < 75; ++batch) (void)world.call("multifundchannel", open({"a"}));
  std::size_t longer = 0;
  for (const auto to : coin(world).heights) {
    if (to <= height + 24) continue;
    if (!worlds::with_txprepare()) CHECK((to - height) % 72 != 0);
    if (to - height > 144 && to - height < 216) ++longer;
  }
  CHECK(longer == 71);
  worlds::check_invariants(world);
}

TEST_CASE("an extension that is held up for longer than undoing waits leaves nothing reserved") {
  for (const int delay : {5, 30, 59, 61, 65, 69, 72, 75, 80, 90, 120, 300}) {
    CAPTURE(delay);
    auto setup = with({peer("a")});
    setup.rpc_faults = {fault(Mishap::held_up, "reserveinputs", seconds(delay), worlds::with_txprepare() ? 2 : 1)};
    World world(std::move(setup));
    const auto outcome = world.call("multifundchannel", open({"a"}));
    CHECK(outcome.ok() == (delay < 60));
    world.run_for(minutes(20));
    if (!outcome.ok()) CHECK(!is_reserved(world));
    worlds::check_invariants(world);
  }
}

TEST_CASE("an extension that is never answered: after a while its coins are free all the same") {
  auto setup = with({peer("a")});
  setup.rpc_faults = {fault(Mishap::stuck, "reserveinputs", seconds(0), worlds::with_txprepare() ? 2 : 1)};
  World world(std::move(setup));
  CHECK(!world.call("multifundchannel", open({"a"})).ok());
  world.run_for(minutes(5));
  CHECK(is_reserved(world));  // it may still be carried out
  world.run_for(minutes(15));
  CHECK(!is_reserved(world));
  worlds::check_invariants(world);
}

TEST_CASE("bitcoind does not want the transaction: as long as we try, nobody else gets its coins") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcast = Broadcast::refused;
  World world(std::move(setup));
  CHECK(worlds::error(world.call("multifundchannel", open({"a", "b"}))).code == 303);
  world.run_for(seconds(3000));
  std::size_t free = 0;
  for (int block = 0; block < 600; ++block) {
    world.mine(1);
    for (int minute = 0; minute < 10; ++minute) {
      world.run_for(seconds(60));
      if (!is_reserved(world)) ++free;
    }
  }
  CHECK(free == 0);
  CHECK(state(world) == "refused");
  worlds::check_invariants(world);  // bitcoind takes it now
  CHECK(world.node().sending().sent().size() == 1);
}

// Another program comes just before: what was added to theirs is taken away again.
TEST_CASE("extending a reservation never adds to another program's") {
  for (int block = 90; block < 125; ++block) {
    CAPTURE(block);
    auto setup = with({peer("a"), peer("b")});
    setup.broadcast = Broadcast::refused;
    World world(std::move(setup));
    CHECK(worlds::error(world.call("multifundchannel", open({"a", "b"}))).code == 303);
    world.run_for(seconds(3000));
    world.mine(80);  // far from its end
    for (int mined = 80; mined < block; ++mined) {
      world.mine(1);
      world.run_for(seconds(600));
    }
    auto& wallet = world.node().core().wallet;
    wallet.take(coin(world), 3000, world.time().now());
    const auto theirs = coin(world).reserved_until;
    world.run_for(seconds(3000));
    CHECK(coin(world).reserved_until == theirs);
    CHECK(state(world) == "unsettled");
  }
}

TEST_CASE("unsettled, and it may have been sent: its inputs stay reserved") {
  auto setup = with({peer("a"), peer("b", {Fault{Phase::opened, Kind::refuse, false, seconds(60)}})});
  setup.broadcast = Broadcast::fails;
  World world(std::move(setup));
  CHECK(worlds::error(world.call("multifundchannel", open({"a", "b"}))).code == 303);
  world.run_for(seconds(600));
  CHECK(state(world) == "unsettled");
  for (int block = 0; block < 500; ++block) {
    world.mine(1);
    world.run_for(seconds(600));
    REQUIRE(is_reserved(world));
  }
  worlds::check_invariants(world);
}

// Before v25.12 it cannot be removed, and its peer holds a commitment.
TEST_CASE("a channel that is in use already and cannot be removed keeps its inputs reserved") {
  auto a = peer("a");
  a.features = "0898880a8a59a1";
  auto setup = with({a, peer("b", {Fault{Phase::complete, Kind::refuse, false, seconds(3)}})});
  setup.peers[1].delay = milliseconds(500);
  setup.version = "v25.09";
  World world(std::move(setup));
  CHECK(!world
             .call("multifundchannel", R"({"destinations":[)"
                                       R"({"id":"$a@","amount":1000000,"mindepth":0,"channel_type":[12,22,50]},)"
                                       R"({"id":"$b@","amount":1000000}]})")
             .ok());
  REQUIRE(world.peer("a").channels.size() == 1);
  for (int block = 0; block < 300; ++block) {
    world.mine(1);
    world.run_for(seconds(600));
    REQUIRE(is_reserved(world));
  }
  CHECK(state(world) == "settling");
}

TEST_CASE("multifundchannel-forget tells until which block an input stays reserved") {
  for (const auto how : {Broadcast::fails, Broadcast::never_answers}) {
    auto setup = with({peer("a")});
    setup.broadcast = how;
    World world(std::move(setup));
    CHECK(worlds::error(world.call("multifundchannel", open({"a"}))).code == 303);
    world.run_for(seconds(1));
    const auto id = std::string(world.node().datastore().entries().begin()->first.back());
    const auto shown = world.call("multifundchannel-forget", R"({"batch":")" + id + R"("})");
    REQUIRE(shown.ok());
    CHECK(shown.result->find("until block " + std::to_string(coin(world).reserved_until) + "\"") != std::string::npos);
  }
}

TEST_CASE("an extension that is carried out after its connection has gone leaves nothing reserved") {
  auto setup = with({peer("a"), peer("b")});
  setup.rpc_faults = {{Mishap::cut_first, "reserveinputs", 1, 1, 1, milliseconds(500)}};
  World world(setup);
  CHECK(!world.call("multifundchannel", open({"a", "b"})).ok());
  world.run_for(minutes(10));
  CHECK(worlds::reserved(world) == 0);
  worlds::check_invariants(world);
}
