// How long the inputs stay reserved: of a sent transaction as long as by the builtin, and while peers take their time.
#include "worlds.hpp"

using sim::World;
using std::chrono::milliseconds;
using std::chrono::seconds;
using worlds::count;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

std::uint32_t reserved_until(World& world) {
  std::uint32_t until = 0;
  for (const auto& coin : world.node().core().wallet.coins()) {
    if (world.node().core().wallet.is_reserved(coin)) until = coin.reserved_until;
  }
  return until;
}

/// Its answers take long: many blocks come meanwhile.
sim::PeerSetup slow() {
  auto one = peer("a");
  one.delay = seconds(6);
  return one;
}

/// Starts it and runs it until the peer is asked to start.
std::size_t start(World& world, const std::string& more = "") {
  const auto call = world.start("multifundchannel", open({"a", "b"}, more));
  for (int i = 0; i < 100'000 && !world.peer("a").opening; ++i) world.run_for(milliseconds(1));
  REQUIRE(world.peer("a").opening);
  return call;
}

}  // namespace

TEST_CASE("the inputs of a sent transaction are reserved as long as by the builtin") {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    auto setup = with({peer("a"), peer("b")});
    setup.seed = seed;
    World world(std::move(setup));
    const auto height = world.node().core().wallet.height;
    CHECK(count(world.call("multifundchannel", open({"a", "b"})), "channel_ids") == 2);
    CHECK(reserved_until(world) == height + 2016);
    worlds::check_invariants(world);
  }
}

TEST_CASE("what comes slowly does not end the reservation, and another program waits for the coins") {
  World world(with({slow(), peer("b")}));
  const auto height = world.node().core().wallet.height;
  const auto call = start(world);
  for (int i = 0; i < 20; ++i) {
    world.mine(1);
    world.run_for(milliseconds(200));
    CHECK(reserved_until(world) > world.node().core().wallet.height);
  }
  world.finish_all();
  CHECK(count(world.outcome(call), "channel_ids") == 2);
  CHECK(reserved_until(world) == height + 2016);
  worlds::check_invariants(world);
}

TEST_CASE("a batch that was settling for days leaves what the builtin leaves, however often it was extended") {
  for (const int days : {1, 2, 4, 12}) {
    CAPTURE(days);
    auto setup = with({peer("a"), peer("b")});
    setup.broadcast = sim::Broadcast::refused;
    World world(std::move(setup));
    auto& core = world.node().core();
    const auto height = core.wallet.height;
    CHECK(worlds::error(world.call("multifundchannel", open({"a", "b"}))).code == 303);
    for (int block = 0; block < 144 * days; ++block) {
      world.mine(1);
      world.run_for(seconds(310));  // it looks every five minutes
    }
    core.setup.broadcast = sim::Broadcast::works;
    world.run_for(seconds(900));
    REQUIRE(world.node().sending().sent().size() == 1);
    CHECK(reserved_until(world) == height + 2016);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a batch that fails after its reservation was extended leaves nothing reserved") {
  auto leaving = slow();
  leaving.faults = {sim::Fault{sim::Phase::start, sim::Kind::refuse}};
  World world(with({leaving, peer("b")}));
  const auto call = start(world);
  for (int i = 0; i < 20; ++i) {
    world.mine(1);
    world.run_for(milliseconds(200));
  }
  world.finish_all();
  CHECK_FALSE(world.outcome(call).ok());
  CHECK(reserved_until(world) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("the extension is on its way when all have answered, or when the plugin is stopped") {
  for (int moment = 0; moment < 14'000; moment += 500) {
    for (const bool stops : {false, true}) {
      CAPTURE(moment);
      CAPTURE(stops);
      auto setup = with({slow(), peer("b")});
      setup.reply_delay = milliseconds(400);
      World world(std::move(setup));
      const auto call = start(world);
      world.run_for(milliseconds(moment));
      for (int i = 0; i < 8; ++i) world.mine(1);
      if (stops) {
        world.run_for(milliseconds(moment % 3000));
        world.announce_shutdown();
      }
      world.finish_all();
      CHECK(world.outcome(call).answered);
      if (!stops) CHECK(count(world.outcome(call), "channel_ids") == 2);
      worlds::check_invariants(world);
    }
  }
}
