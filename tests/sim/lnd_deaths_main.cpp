// Lives batches of ten LND and ten Core Lightning peers in which one peer dies, and says how many LND peers are left
// with a pending channel, for two weeks, whose transaction was never sent.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "sim/lnd_deaths.hpp"

namespace {

constexpr const char* usage =
    "usage: lnd_deaths FIRST COUNT   lives so many batches from this seed on, each with a death before the peer's\n"
    "                                complete and with one in it; fails when a death costs more than it has to\n"
    "       lnd_deaths SEED          says what happens in one\n";

struct Sum {
  std::size_t batches = 0, opened = 0, harmful = 0, left = 0, most = 0, too_many = 0;
};

std::uint64_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

bool is_well(const sim::DeathResult& result) {
  return result.broken.empty() && (result.death == sim::Death::just_before || result.left <= result.bound);
}

void add(Sum& sum, const sim::DeathResult& result) {
  ++sum.batches;
  sum.opened += result.opened;
  sum.harmful += result.left > 0;
  sum.left += result.left;
  sum.most = std::max(sum.most, result.left);
  sum.too_many += !is_well(result);
}

void print(const char* what, const Sum& sum) {
  std::printf(
      "%-42s %6zu batches, %6zu opened, %6zu with LND peers left pending: %6zu peers, %2zu at most; %zu wrong\n", what,
      sum.batches, sum.opened, sum.harmful, sum.left, sum.most, sum.too_many);
}

void tell(std::uint64_t seed, const sim::DeathResult& result) {
  std::printf("seed %llu: %s: %zu LND peers are left pending, %zu may be\n", static_cast<unsigned long long>(seed),
              result.who.c_str(), result.left, result.bound);
  for (const auto& broken : result.broken) std::printf("  %s\n", broken.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fputs(usage, stderr);
    return 2;
  }
  constexpr std::size_t most_told = 10;
  const auto first = number(argv[1]), count = argc == 3 ? number(argv[2]) : 1;
  std::map<std::pair<sim::Death, bool>, Sum> sums;
  std::size_t wrong = 0;
  for (auto seed = first; seed < first + count; ++seed) {
    for (const bool in_complete : {false, true}) {
      const auto result = sim::live_death(seed, in_complete);
      add(sums[{result.death, result.of_lnd}], result);
      wrong += !is_well(result);
      if (argc == 2 || (!is_well(result) && wrong <= most_told)) tell(seed, result);
    }
  }
  using enum sim::Death;
  print("a Core Lightning peer before its complete", sums[{before_complete, false}]);
  print("an LND peer before its complete", sums[{before_complete, true}]);
  print("an LND peer just after its pong", sums[{just_before, true}]);
  print("a Core Lightning peer in its complete", sums[{in_complete, false}]);
  print("an LND peer in its complete", sums[{in_complete, true}]);
  return wrong == 0 ? 0 : 1;
}
