// Lives the worlds of a range of seeds and says in which of them an invariant was broken: for
// contrib/chaos, which runs several of these side by side, and to look at one seed.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/chaos.hpp"

namespace {

constexpr const char* usage =
    "usage: chaos FIRST COUNT   lives so many worlds from this seed on; prints those that break an invariant\n"
    "       chaos SEED          shows all that happens in one\n";

std::uint64_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

bool live(std::uint64_t seed, bool show) {
  const auto result = sim::run_chaos(seed, show);
  for (const auto& line : result.log) std::printf("%s\n", line.c_str());
  for (const auto& broken : result.broken)
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), broken.c_str());
  return result.broken.empty();
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
  for (auto seed = first; seed < first + count; ++seed) {
    if (!live(seed, argc == 2)) ++bad;
  }
  std::printf("%llu of %llu seeds break an invariant\n", static_cast<unsigned long long>(bad),
              static_cast<unsigned long long>(count));
  return bad == 0 ? 0 : 1;
}
