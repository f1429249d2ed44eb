#include "sim/lnd_deaths.hpp"

#include <doctest/doctest.h>

TEST_CASE("one peer that dies costs no LND peer that has not been told yet") {
  std::size_t deaths_of_others = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const bool in_complete : {false, true}) {
      const auto result = sim::live_death(seed, in_complete);
      CAPTURE(seed);
      CAPTURE(result.who);
      CHECK(result.broken.empty());
      if (result.death != sim::Death::just_before) CHECK(result.left <= result.bound);
      deaths_of_others += !result.of_lnd;
    }
  }
  CHECK(deaths_of_others > 5);
}
