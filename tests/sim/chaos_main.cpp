// Lives the worlds of a range of seeds and says in which of them an invariant was broken: for
// contrib/chaos, which runs several of these side by side, and to look at one seed. Of several it also says in how many
// each situation was reached.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/chaos.hpp"
#include "sim/situations.hpp"

namespace {

constexpr const char* usage =
    "usage: chaos FIRST COUNT   lives so many worlds from this seed on; prints those that break an invariant\n"
    "       chaos SEED          shows all that happens in one\n";

std::uint64_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

bool live(std::uint64_t seed, bool show, sim::SituationCount& reached) {
  const auto result = sim::run_chaos(seed, show);
  reached.add(result);
  if (show) {
    for (const auto& line : result.log) std::printf("%s\n", line.c_str());
  }
  for (const auto& broken : result.broken)
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), broken.c_str());
  return result.broken.empty();
}

unsigned long long plain(std::uint64_t number) { return number; }

void report(const sim::SituationCount& reached) {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(reached.lived()).count();
  std::printf("lived %lld hours, %llu kills, %llu faults\n", static_cast<long long>(hours), plain(reached.kills()),
              plain(reached.faults()));
  for (std::size_t i = 0; i < sim::situations().size(); ++i) {
    const auto name = sim::situations()[i].name;
    std::printf("reached %llu %.*s\n", plain(reached.worlds()[i]), static_cast<int>(name.size()), name.data());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fputs(usage, stderr);
    return 2;
  }
  const auto first = number(argv[1]);
  const auto count = argc == 3 ? number(argv[2]) : 1;
  std::uint64_t bad = 0;
  sim::SituationCount reached;
  for (auto seed = first; seed < first + count; ++seed) {
    if (!live(seed, argc == 2, reached)) ++bad;
  }
  if (argc == 3) report(reached);
  std::printf("%llu of %llu seeds break an invariant\n", static_cast<unsigned long long>(bad),
              static_cast<unsigned long long>(count));
  return bad == 0 ? 0 : 1;
}
