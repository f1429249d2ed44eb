#include "funding/fee_bounds.hpp"

#include <doctest/doctest.h>

#include "bitcoin/fees.hpp"
#include "request/fee_cap.hpp"
#include "wallet_samples.hpp"

using namespace bitcoin;
using namespace funding;
using namespace request;
using bitcoin::Perkw;
using bitcoin::Sat;

namespace {

std::vector<FundingOutput> equal_channels(std::size_t count) {
  util::Bytes script(34, 7);
  script[0] = 0x00;
  script[1] = 32;
  return std::vector<FundingOutput>(count, {Sat{100'000}, script});
}

/// Of a transaction for which lightningd was asked for this feerate.
Cost cost(std::size_t inputs, std::size_t outputs, bool change, Perkw feerate) {
  std::mt19937_64 random(1);
  const auto built = build(test::proposal(inputs, outputs, change, feerate), equal_channels(outputs), random);
  REQUIRE_MESSAGE(built.ok(), built.error().message);
  return built->cost;
}

}  // namespace

TEST_CASE("bitcoind counts whole vbytes, and rounds the fee up") {
  CHECK(whole_vbytes_fee(657, Perkw{2'500}) == Sat{1'650});  // 164.25 vbytes at 10 sat: 1642 are too few
  CHECK(whole_vbytes_fee(660, Perkw{2'500}) == Sat{1'650});
  CHECK(whole_vbytes_fee(661, Perkw{2'500}) == Sat{1'660});
  CHECK(whole_vbytes_fee(4, Perkw{253}) == Sat{2});
}

// Every residue of the weight by four, with and without change, and sizes around where the counters grow.
TEST_CASE("a feerate exactly at the floor is enough, at every size, and within the caps and 1 %") {
  for (const std::size_t inputs : {1, 2, 3, 4, 5, 252, 253}) {
    for (const std::size_t outputs : {1, 2, 3, 100, 252, 253}) {
      for (const std::uint32_t feerate : {253u, 254u, 999u, 1'000u, 2'499u, 2'500u, 7'501u, 99'999u, 2'200'000u}) {
        for (const bool change : {true, false}) {
          CAPTURE(inputs);
          CAPTURE(outputs);
          CAPTURE(feerate);
          CAPTURE(change);
          const auto paid = cost(inputs, outputs, change, Perkw{feerate});
          CHECK(FeeBounds{Perkw{feerate}}.check(paid).ok());
          const auto asked = paid.weight * feerate / 1000;
          // Without change what was too little for one is there as well: what lightningd was asked for beyond the
          // weight, and each coin's rounding up.
          CHECK(paid.fee.value <= asked + asked / 100 + 1 + (change ? 0 : inputs + fee_for(32, Perkw{feerate}).value));
          if (change) CHECK(FeeCap{{}, Perkw{feerate}}.check(paid).ok());
          if (change) CHECK_FALSE(FeeBounds{Perkw{feerate + feerate / 50 + 3}}.check(paid).ok());
        }
      }
    }
  }
}

TEST_CASE("below the floor the error names fee, floor and what to ask for") {
  const Cost paid{Sat{197}, Sat{}, Perkw{300}, 657};
  const auto checked = FeeBounds{Perkw{2'500}}.check(paid);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().code == -32602);
  CHECK(
      checked.error().message ==
      "feerate: the fee would be 197 sat for 165 vbytes, less than the 1650 sat that the mempool's floor of 2500 perkw "
      "comes to (ask for 2500perkw or more): bitcoind would refuse the transaction (min relay fee not met)");
  CHECK(checked.error().data ==
        R"({"parameter":"feerate","fee_msat":197000,"weight":657,"floor_perkw":2500,"ask_for_perkw":2500})");
  CHECK(FeeBounds{}.check(paid).ok());
  CHECK_FALSE(FeeBounds{Perkw{2'500}}.check(Cost{Sat{1'642}, Sat{}, Perkw{2'500}, 657}).ok());
  CHECK(FeeBounds{Perkw{2'500}}.check(Cost{Sat{1'650}, Sat{}, Perkw{2'500}, 657}).ok());
}

TEST_CASE("above bitcoind's limit nothing is sent, whether the floor is known or not") {
  const auto paid = [](std::uint32_t feerate) {
    return Cost{whole_vbytes_fee(657, Perkw{feerate}), Sat{}, Perkw{feerate}, 657};
  };
  CHECK(FeeBounds{}.check(paid(2'475'000)).ok());
  for (const auto& bounds : {FeeBounds{}, FeeBounds{Perkw{253}}}) {
    CHECK_FALSE(bounds.check(paid(2'500'001)).ok());
    const auto checked = bounds.check(paid(3'000'000));
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.error().code == -32602);
    CHECK(
        checked.error().message ==
        "feerate: the fee would be 1980000 sat for 165 vbytes, more than the 1650000 sat that bitcoind's limit of 0.1 "
        "BTC for 1,000 vbytes comes to (ask for 2475000perkw or less): bitcoind would refuse the transaction "
        "(Fee exceeds maximum configured by user)");
  }
}

TEST_CASE("a little below bitcoind's limit nothing is sent either, and the error does not say that it is above") {
  const auto paid = [](std::uint64_t fee) { return Cost{Sat{fee}, Sat{}, Perkw{2'490'000}, 657}; };
  CHECK(FeeBounds{}.check(paid(1'633'500)).ok());
  for (const std::uint64_t fee : {1'633'501, 1'650'000}) {
    const auto checked = FeeBounds{}.check(paid(fee));
    REQUIRE_FALSE(checked.ok());
    CHECK(
        checked.error().message ==
        "feerate: the fee would be " + std::to_string(fee) +
            " sat for 165 vbytes, more than 99 % of the 1650000 sat that bitcoind's limit of 0.1 BTC for 1,000 vbytes "
            "comes to (ask for 2475000perkw or less): bitcoind may refuse the transaction, since signatures may come "
            "out smaller than estimated");
    CHECK(checked.error().data == R"({"parameter":"feerate","fee_msat":)" + std::to_string(fee) +
                                      R"(000,"weight":657,"limit_perkw":2500000,"ask_for_perkw":2475000})");
  }
  CHECK(FeeBounds{}.check(paid(1'650'001)).error().message.ends_with("(Fee exceeds maximum configured by user)"));
  // What is named does work.
  CHECK(FeeBounds{}.check(cost(1, 1, true, Perkw{2'475'000})).ok());
  CHECK_FALSE(FeeBounds{}.check(cost(1, 1, true, Perkw{2'475'004})).ok());
}
