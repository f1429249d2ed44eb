// What bitcoind would refuse, and what it refuses.

#include "worlds.hpp"

using sim::Act;
using sim::Broadcast;
using sim::Deed;
using sim::World;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::count;
using worlds::open;
using worlds::peer;
using worlds::state;
using worlds::with;

namespace {

bool asked_for(World& world, const char* method) { return world.node().core().methods.calls().contains(method); }

bool mentions(const util::Error& error, const char* text) { return error.message.find(text) != std::string::npos; }

std::string at(std::uint32_t feerate) { return R"("feerate":")" + std::to_string(feerate) + R"(perkw")"; }

}  // namespace

TEST_CASE("a feerate above bitcoind's limit or below its floor is refused before any peer is asked") {
  for (const std::uint32_t feerate : {3'000'000u, 2'480u, 300u}) {
    CAPTURE(feerate);
    auto setup = with({peer("a"), peer("b")});
    setup.feerate_floor = 2'500;
    World world(setup);
    const auto preview = world.call("multifundchannel", open({"a", "b"}, at(feerate) + R"(,"dryrun":true)"));
    CHECK(worlds::field(preview, "warnings").find("feerate: the fee would be ") != std::string::npos);
    CHECK(worlds::field(preview, "warnings").find("the batch would fail") != std::string::npos);
    const auto outcome = world.call("multifundchannel", open({"a", "b"}, at(feerate)));
    CHECK(worlds::error(outcome).code == -32602);
    CHECK(worlds::error(outcome).message.starts_with("feerate: the fee would be "));
    CHECK(mentions(worlds::error(outcome), feerate > 2'500 ? "ask for 2475000perkw" : "ask for 2500perkw"));
    CHECK_FALSE(asked_for(world, "fundchannel_start"));
    worlds::check_invariants(world);
  }
}

TEST_CASE("a feerate exactly at the floor is taken, whatever the size") {
  for (const std::uint32_t floor : {253u, 2'500u, 2'501u, 4'999u}) {
    for (std::size_t peers = 1; peers <= 4; ++peers) {
      for (const bool all : {false, true}) {
        CAPTURE(floor);
        CAPTURE(peers);
        CAPTURE(all);
        std::vector<sim::PeerSetup> setups;
        std::vector<std::string> names;
        for (std::size_t i = 0; i < peers; ++i) {
          names.push_back(std::string(1, static_cast<char>('a' + i)));
          setups.push_back(peer(names.back()));
        }
        auto setup = with(setups);
        setup.feerate_floor = floor;
        World world(setup);
        auto text = open(names, at(floor));
        if (all) text.replace(text.find("1000000"), 7, R"("all")");
        CHECK(count(world.call("multifundchannel", text), "channel_ids") == peers);
        worlds::check_invariants(world);
      }
    }
  }
}

TEST_CASE("a floor that rises while the peers take their time is seen before anything is signed") {
  auto slow = peer("a");
  slow.delay = seconds(2);
  auto setup = with({slow, peer("b")});
  setup.acts.push_back(Act{seconds(3), Deed::floor, 0, 9'000});
  World world(setup);
  const auto outcome = world.call("multifundchannel", open({"a", "b"}));
  CHECK(worlds::error(outcome).code == -32602);
  CHECK(mentions(worlds::error(outcome), "floor of 9000 perkw"));
  CHECK_FALSE(asked_for(world, "signpsbt"));
  worlds::check_invariants(world);
}

TEST_CASE("a refused transaction with one channel is taken back, and the caller hears so") {
  auto setup = with({peer("a")});
  setup.broadcast = Broadcast::refused;
  World world(setup);
  const auto outcome = world.call("multifundchannel", open({"a"}));
  const auto& error = worlds::error(outcome);
  CHECK(error.code == 303);
  CHECK(mentions(error, "bitcoind refused the funding transaction "));
  CHECK(mentions(error, "(min relay fee not met, 236 < 9850): nothing was sent, and everything is undone"));
  CHECK(error.data.find(R"("refused":true)") != std::string::npos);
  CHECK(error.data.find(R"("tx":)") == std::string::npos);
  world.run_for(seconds(10));
  CHECK(state(world) == "failed");
  CHECK(worlds::channels(world) == 0);
  CHECK(world.node().sending().sent().empty());
  worlds::check_invariants(world);
}

TEST_CASE("with several channels it is kept, says so, and is sent when bitcoind takes it") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcast = Broadcast::refused;
  World world(setup);
  const auto outcome = world.call("multifundchannel", open({"a", "b"}));
  CHECK(worlds::error(outcome).code == 303);
  CHECK(mentions(worlds::error(outcome), "To give it up: multifundchannel-abort "));
  world.run_for(seconds(10));
  CHECK(state(world) == "refused");
  const auto tries = world.node().core().methods.calls().at("sendpsbt");
  CHECK(tries == 2);
  world.run_for(minutes(4));
  CHECK(world.node().core().methods.calls().at("sendpsbt") == tries);
  world.run_for(minutes(120));  // every five minutes
  CHECK(world.node().core().methods.calls().at("sendpsbt") <= tries + 25);
  CHECK(worlds::channels(world) == 2);
  world.settle();
  CHECK(state(world) == "opened");
  CHECK(world.node().sending().sent().size() == 1);
  worlds::check_invariants(world);
}

TEST_CASE("after a crash it is not sent below the floor, but as soon as that has fallen") {
  auto setup = with({peer("a"), peer("b")});
  setup.kills.push_back(sim::Kill{0, sim::End::kill_plugin, seconds(5), "signpsbt"});
  setup.acts.push_back(Act{seconds(2), Deed::floor, 0, 9'000});
  setup.acts.push_back(Act{minutes(12), Deed::floor, 0, 253});
  World world(setup);
  (void)world.start("multifundchannel", open({"a", "b"}));
  world.run_for(minutes(11));
  CHECK(state(world) == "refused");
  CHECK_FALSE(asked_for(world, "sendpsbt"));
  CHECK(worlds::channels(world) == 2);
  const auto listed = world.call("listmultifundchannels", "{}");
  REQUIRE(listed.ok());
  CHECK(listed.result->find("that the mempool's floor of 9000 perkw comes to: it is sent when that has fallen") !=
        std::string::npos);
  world.settle();
  CHECK(state(world) == "opened");
  CHECK(world.node().sending().sent().size() == 1);
  worlds::check_invariants(world);
}

TEST_CASE("a crash in the middle of taking it back leaves nothing behind") {
  for (const auto how : {sim::End::kill_plugin, sim::End::kill_lightningd}) {
    for (std::uint64_t event = 0; event < 40; ++event) {
      CAPTURE(event);
      auto setup = with({peer("a")});
      setup.broadcast = Broadcast::refused;
      setup.kills.push_back(sim::Kill{event, how, seconds(1), "fundchannel_cancel"});
      World world(setup);
      (void)world.start("multifundchannel", open({"a"}));
      world.run_for(minutes(1));
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("what was in doubt once is not taken back when it is refused later: another node may have it") {
  for (const auto first : {Broadcast::fails, Broadcast::ghost}) {
    auto setup = with({peer("a")});
    setup.broadcasts = {first};
    setup.broadcast = Broadcast::refused;
    World world(setup);
    const auto outcome = world.call("multifundchannel", open({"a"}));
    CHECK(worlds::error(outcome).code == 303);
    world.run_for(minutes(2));
    CHECK_FALSE(asked_for(world, "fundchannel_cancel"));
    CHECK(worlds::channels(world) == 1);
    worlds::check_invariants(world);
  }
}
