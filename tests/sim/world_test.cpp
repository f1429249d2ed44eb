#include "sim/world.hpp"

#include <doctest/doctest.h>

#include "util/str.hpp"

namespace {

using sim::Kind;
using sim::Phase;
using Violations = std::vector<std::string>;

sim::PeerSetup peer(std::string name, std::vector<sim::Fault> faults = {}) {
  sim::PeerSetup setup;
  setup.name = std::move(name);
  setup.faults = std::move(faults);
  return setup;
}

sim::Setup with_peers(std::vector<sim::PeerSetup> peers) {
  sim::Setup setup;
  setup.peers = std::move(peers);
  return setup;
}

constexpr const char* two_channels = R"({"destinations":[{"id":"$a","amount":1000000},{"id":"$b","amount":500000}]})";

std::string text_of(const sim::Outcome& outcome) {
  if (!outcome.answered) return "never answered";
  return outcome.result ? *outcome.result : util::str(outcome.result.error().code, " ", outcome.result.error().message);
}

}  // namespace

TEST_CASE("the plugin opens two channels in the simulated lightningd") {
  sim::World world(with_peers({peer("a"), peer("b")}));
  REQUIRE(world.ready());
  const auto outcome = world.call("multifundchannel", two_channels);
  CHECK_MESSAGE(outcome.ok(), text_of(outcome));
  CHECK(world.node().sending().sent().size() == 1);
  CHECK(world.peer("a").channels.size() == 1);
  CHECK(world.peer("b").channels.size() == 1);
  CHECK(world.check_invariants() == Violations());
}

TEST_CASE("a refusing peer leaves nothing behind") {
  for (const auto phase : {Phase::connect, Phase::start, Phase::complete}) {
    for (const auto kind : {Kind::refuse, Kind::disconnect, Kind::silent}) {
      sim::World world(with_peers({peer("a"), peer("b", {{phase, kind}})}));
      const auto outcome = world.call("multifundchannel", two_channels);
      CAPTURE(static_cast<int>(phase));
      CAPTURE(static_cast<int>(kind));
      CHECK_MESSAGE(outcome.answered, text_of(outcome));
      CHECK_MESSAGE(!outcome.ok(), text_of(outcome));
      CHECK(world.node().sending().sent().empty());
      CHECK(world.check_invariants() == Violations());
    }
  }
}

TEST_CASE("the builtin fundchannel goes through the plugin") {
  sim::World world(with_peers({peer("a")}));
  const auto outcome = world.call("fundchannel", R"({"id":"$a","amount":1000000})");
  CHECK_MESSAGE(outcome.ok(), text_of(outcome));
  CHECK(world.check_invariants() == Violations());
}

TEST_CASE("the plugin and lightningd can be killed and started again") {
  sim::World world(with_peers({peer("a"), peer("b", {{Phase::start, Kind::silent}})}));
  const auto call = world.start("multifundchannel", two_channels);
  world.run_for(spark::Duration(50));
  CHECK(world.peer("a").opening.has_value());
  world.kill_plugin();
  CHECK(world.outcome(call).result.error().code == -4);
  CHECK(world.peer("a").opening.has_value());
  world.start_plugin();
  CHECK(world.ready());
  world.restart_lightningd();
  CHECK(world.ready());
  CHECK(!world.peer("a").opening.has_value());
  CHECK(!world.peer("a").connected);
  CHECK(world.call("getinfo", "{}").ok());
}

TEST_CASE("the same seed gives the same world") {
  std::string first;
  for (int i = 0; i < 2; ++i) {
    sim::World world(with_peers({peer("a"), peer("b")}));
    const auto outcome = text_of(world.call("multifundchannel", two_channels));
    if (i == 0) first = outcome;
    CHECK(outcome == first);
  }
}
