#include "funding/abort_price.hpp"

#include <doctest/doctest.h>

#include "funding/funding_transaction.hpp"

using bitcoin::Perkw;
using bitcoin::Sat;
using funding::AbortCoin;
using funding::AbortPrice;
using funding::coins_needed;

namespace {

/// Of P2TR, 230 weight units each.
std::vector<AbortCoin> coins(const std::vector<std::uint64_t>& amounts) {
  util::Bytes script(34, 0x01);
  script[0] = 0x51;
  script[1] = 0x20;
  std::vector<AbortCoin> all;
  for (const auto amount : amounts) all.push_back({{}, Sat{amount}, script});
  return all;
}

}  // namespace

TEST_CASE("an abort costs its feerate, or more than what it replaces and its own size") {
  CHECK(AbortPrice(Perkw{1'000}, Sat{}, Sat{}, 0).fee(444, 1) == Sat{444});
  CHECK(AbortPrice(Perkw{1'000}, Sat{50'000}, Sat{}, 0).fee(444, 1) == Sat{50'111});
  CHECK(AbortPrice(Perkw{1'000}, Sat{50'000}, Sat{60'000}, 1).fee(444, 1) == Sat{60'111});
  // Two inputs instead of one: the feerate must not fall.
  CHECK(AbortPrice(Perkw{1'000}, Sat{50'000}, Sat{60'000}, 1).to_replace(676, 2).value > 120'000);
  CHECK(AbortPrice(Perkw{1'000}, Sat{50'000}, Sat{60'000}, 3).to_replace(444, 1) == Sat{60'111});
}

TEST_CASE("as few coins are taken as pay the fee and leave an output") {
  const AbortPrice price(Perkw{250}, Sat{130'000}, Sat{}, 0);
  CHECK(coins_needed(coins({1'000'000, 60'000}), price) == 1);
  CHECK(coins_needed(coins({60'000, 60'000, 60'000, 60'000}), price) == 3);
  CHECK(coins_needed(coins({60'000, 60'000}), price) == 0);
  CHECK(coins_needed({}, price) == 0);
  // Nothing would be left for an output.
  const auto one = coins({130'442});
  CHECK(funding::fee_with_all(one, price) == Sat{130'113});
  CHECK(coins_needed(one, price) == 0);
  CHECK(coins_needed(coins({130'443}), price) == 1);
  CHECK(funding::sum_of(coins({1, 2, 4}), 2) == Sat{3});
}
