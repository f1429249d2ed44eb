#include "sim/chaos.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "sim/world.hpp"

namespace {

/// A number from the environment: to run more seeds, or one that failed.
std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += "\n  " + text;
  return all;
}

void print_log(sim::World& world) {
  for (const auto& line : world.node().core().monitor.log()) MESSAGE(line);
}

}  // namespace

TEST_CASE("whatever peers do, the invariants hold") {
  const auto first = setting("SIM_SEED", 1);
  const auto seeds = setting("SIM_SEEDS", 1'000);
  std::size_t opened = 0, failed = 0;
  for (auto seed = first; seed < first + seeds; ++seed) {
    CAPTURE(seed);
    const sim::Chaos chaos = sim::draw_chaos(seed);
    sim::World world(chaos.setup);
    REQUIRE(world.ready());
    for (const auto& batch : chaos.batches) (void)world.start("multifundchannel", batch);
    world.finish_all();
    for (std::size_t i = 0; i < chaos.batches.size(); ++i) ++(world.outcome(i).ok() ? opened : failed);
    const auto broken = world.check_invariants();
    CHECK_MESSAGE(broken.empty(), lines(broken));
    if (seeds == 1) print_log(world);
  }
  // Worlds where nothing works, or everything does, would prove little.
  if (seeds >= 100) CHECK(opened > seeds / 5);
  if (seeds >= 100) CHECK(failed > seeds / 5);
}
