#include "sim/corruption.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "sim/chaos.hpp"
#include "sim/sloppy.hpp"
#include "sim/world.hpp"

namespace {

/// Enough of the world for all kinds of messages.
sim::Setup calm_world(std::uint64_t seed) {
  sim::Setup setup;
  setup.seed = seed;
  setup.corrupt_one_in = 3;
  setup.spenderp = seed % 4 != 0;
  if (seed % 5 == 0) setup.version = "v25.09";  // every command passes the hook
  for (const auto* name : {"a", "b", "c"}) {
    sim::PeerSetup peer;
    peer.name = name;
    setup.peers.push_back(peer);
  }
  return setup;
}

struct Lived {
  std::size_t damaged = 0;
  std::vector<std::string> broken;
};

Lived live(std::uint64_t seed) {
  sim::World world(calm_world(seed));
  auto& core = world.node().core();
  for (int i = 0; i < 2; ++i) {
    (void)world.start(
        "multifundchannel",
        R"({"destinations":[{"id":"$a@","amount":"100000sat"},{"id":"$b","amount":200000}],"details":true})");
    (void)world.start("multifundchannel", R"([[{"id":"$c","amount":20000,"push_msat":1000}],"1000perkw"])");
    (void)world.start("check", R"({"command_to_check":"multifundchannel","destinations":[{"id":"$a","amount":1}]})");
    (void)world.start("setconfig", R"({"config":"multifundchannel-max-connects","val":"7"})");
    (void)world.start("listmultifundchannels", "{}");
    (void)world.start("fundchannel", R"({"id":"$b","amount":50000})");
    world.finish_all();
    world.run_for(std::chrono::hours(1));
  }
  world.run_for(std::chrono::hours(24 * 14));
  Lived lived{core.corruption.damaged, {}};
  for (const auto& violation : core.monitor.violations()) {
    // What the plugin was told is not what was said, so only these two can hold.
    if (violation.find("never crashes") != std::string::npos || violation.find("one reply") != std::string::npos)
      lived.broken.push_back(violation);
  }
  if (world.ended()) lived.broken.emplace_back("the plugin has ended");
  if (core.corruption.asked != core.corruption.answered)
    lived.broken.push_back(std::to_string(core.corruption.asked) + " requests, " +
                           std::to_string(core.corruption.answered) + " answers");
  return lived;
}

}  // namespace

// SIM_CORRUPTIONS=<n> damages that many messages, SIM_SEED=<n> lives the world of one seed.
TEST_CASE("whatever lightningd sends, the plugin lives on and answers each id once") {
  const char* wanted = std::getenv("SIM_CORRUPTIONS");
  const char* one = std::getenv("SIM_SEED");
  const std::size_t limit = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : one != nullptr ? 1 : 100'000;
  std::size_t damaged = 0;
  for (auto seed = one != nullptr ? std::strtoull(one, nullptr, 10) : 1; damaged < limit; ++seed) {
    CAPTURE(seed);
    const auto lived = live(seed);
    damaged += lived.damaged;
    for (const auto& broken : lived.broken) FAIL_CHECK(broken);
  }
  MESSAGE(damaged << " messages were damaged");
}

TEST_CASE("a sloppy spelling of a well-formed request has the same outcome") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    auto chaos = sim::draw_chaos(seed);
    // With a label a call that is spelled in another way is another call.
    const auto labelled = [](const auto& batch) { return batch.params.find("\"label\":\"L") != std::string::npos; };
    if (std::any_of(chaos.batches.begin(), chaos.batches.end(), labelled)) continue;
    const auto plain = sim::run_chaos(chaos);
    sim::Random random(seed);
    for (auto& batch : chaos.batches) batch.params = sim::sloppy(batch.params, random);
    const auto spelled = sim::run_chaos(chaos);
    CHECK(plain.opened == spelled.opened);
    CHECK(plain.failed == spelled.failed);
    CHECK(spelled.broken == plain.broken);
  }
}
