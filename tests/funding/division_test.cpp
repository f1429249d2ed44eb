#include "funding/division.hpp"

#include <doctest/doctest.h>

#include <random>

#include "bitcoin/fees.hpp"
#include "wallet_samples.hpp"

using namespace bitcoin;
using namespace funding;
using namespace request;
using namespace funding::test;
using bitcoin::max_money;
using bitcoin::Sat;

namespace {

Share percent(std::uint32_t parts) { return {"", 0, parts}; }
Share weight(std::uint32_t number) { return {"", number, 0}; }

constexpr std::uint32_t one_percent = Share::whole / 100;

std::vector<Claim> claims(const std::vector<Share>& shares) {
  std::vector<Claim> all;
  for (const auto& share : shares) all.push_back({all.size(), share, max_money});
  return all;
}

std::vector<std::uint64_t> split_values(std::uint64_t left, const std::vector<Claim>& all) {
  std::vector<std::uint64_t> values;
  for (const auto amount : split(Sat{left}, all)) values.push_back(amount.value);
  return values;
}

using Values = std::vector<std::uint64_t>;

/// What lightningd offers for "all": no change, everything is excess.
Template offer(std::size_t inputs, std::size_t outputs, Sat excess) {
  Template draft = proposal(inputs, outputs, false);
  const Sat sum = excess + fee_for(draft.weight, draft.feerate);
  draft.psbt = wallet_psbt(inputs, Sat{(sum.value + inputs - 1) / inputs}, std::nullopt);
  draft.excess = Sat{(sum.value + inputs - 1) / inputs * inputs} - fee_for(draft.weight, draft.feerate);
  return draft;
}

}  // namespace

TEST_CASE("weights share all of it, and the last gets what rounding leaves") {
  CHECK(split_values(1'000, claims({weight(1)})) == Values{1'000});
  CHECK(split_values(1'000, claims({weight(1), weight(1), weight(1)})) == Values{333, 333, 334});
  CHECK(split_values(1'000, claims({weight(3), weight(1)})) == Values{750, 250});
  CHECK(split_values(max_money.value, claims({weight(4'294'967'294), weight(1)})) ==
        Values{max_money.value - 488'945, 488'945});
}

TEST_CASE("percentages are of what is left, rounded down; 100% leave nothing") {
  CHECK(split_values(1'001, claims({percent(40 * one_percent)})) == Values{400});
  CHECK(split_values(1'001, claims({percent(12'500'000), percent(50 * one_percent)})) == Values{125, 500});
  CHECK(split_values(1'001, claims({percent(50 * one_percent), percent(50 * one_percent)})) == Values{500, 501});
  CHECK(split_values(max_money.value, claims({percent(1), percent(Share::whole - 1)})) ==
        Values{max_money.value / Share::whole, max_money.value - max_money.value / Share::whole});
}

TEST_CASE("weights share what percentages leave over, whatever their order") {
  CHECK(split_values(1'000, claims({weight(1), percent(40 * one_percent), weight(2)})) == Values{200, 400, 400});
  CHECK(split_values(1'000, claims({percent(40 * one_percent), weight(7)})) == Values{400, 600});
}

TEST_CASE("a cap leaves something over") {
  auto two = claims({weight(1), weight(1)});
  two[1].cap = Sat{300};
  CHECK(split_values(1'000, two) == Values{500, 300});
}

TEST_CASE("nothing is lost or made up, for any shares of any amount") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2'000; ++i) {
    std::vector<Share> shares;
    std::uint32_t parts = 0;
    for (auto left = 1 + random() % 5; left > 0; --left) {
      const auto some = static_cast<std::uint32_t>(1 + random() % (Share::whole / 6));
      if (random() % 2 == 0) parts += some;
      shares.push_back(parts > 0 && shares.size() % 2 == 0 ? percent(some)
                                                           : weight(static_cast<std::uint32_t>(1 + random() % 1'000)));
    }
    const std::uint64_t left = random() % max_money.value;
    const auto all = claims(shares);
    const bool weights = std::any_of(shares.begin(), shares.end(), [](const Share& s) { return s.weight > 0; });
    std::uint64_t sum = 0;
    for (const auto value : split_values(left, all)) sum += value;
    CHECK(sum <= left);
    if (weights) CHECK(sum == left);
  }
}

TEST_CASE("\"all\" gets the excess less the others, and pays for the longer counters") {
  auto draft = proposal(1, 2, false);
  draft.excess = Sat{500'000};
  const auto all = claims({Share{"all", 1, 0}});
  const auto one = divide(draft, Sat{100'000}, 2, all);
  REQUIRE(one.ok());
  // lightningd was asked for a little more weight than there is.
  const auto spare = fee_for(draft.weight, draft.feerate) - whole_vbytes_fee(final_weight(draft, 2), draft.feerate);
  CHECK(one->amounts.at(0) == Sat{400'000} + spare);
  CHECK(one->rest == Sat{0});
  CHECK_FALSE(one->needs_change);

  auto many = proposal(300, 2, false);
  many.excess = Sat{500'000};
  const auto longer = final_weight(many, 2);
  CHECK(longer == final_weight(proposal(252, 2, false), 2) + 48 * p2wpkh_input_weight + 8);
  CHECK(divide(many, Sat{100'000}, 2, all)->amounts.at(0) ==
        Sat{400'000} + fee_for(many.weight, many.feerate) - whole_vbytes_fee(longer, many.feerate));
  CHECK(divide(draft, Sat{499'700}, 2, all).error().code == -32602);
  CHECK(divide(draft, Sat{600'000}, 2, all).error().code == -32602);
}

TEST_CASE("inputs are shares, change and the exact fee, with change and without") {
  for (const std::size_t inputs : {std::size_t{1}, std::size_t{300}}) {
    for (const auto& shares : {std::vector<Share>{weight(1), weight(2)},
                               {percent(40'123'457)},
                               {percent(30 * one_percent), percent(12'500'000)},
                               {percent(99'999'999)},
                               {percent(50 * one_percent), percent(50 * one_percent)}}) {
      const auto draft = offer(inputs, shares.size() + 1, Sat{10'000'003});
      const auto divided = divide(draft, Sat{1'000'000}, shares.size() + 1, claims(shares));
      REQUIRE(divided.ok());
      const Sat total = draft.excess + fee_for(draft.weight, draft.feerate);
      const Sat spent = Sat{1'000'000} + divided->sum;
      if (divided->needs_change) {
        // What lightningd then makes of it: the same coins, and everything else is change.
        Template with_change = draft;
        with_change.has_change = true;
        with_change.weight += 172;
        const Sat change = total - spent - fee_for(with_change.weight, draft.feerate);
        with_change.psbt = wallet_psbt(inputs, Sat{total.value / inputs}, change);
        const auto cost = cost_of(with_change, spent, shares.size() + 1);
        REQUIRE_MESSAGE(cost.ok(), cost.error().message);
        CHECK(cost->fee == whole_vbytes_fee(cost->weight, draft.feerate));
        CHECK(cost->change == divided->rest);
        CHECK(cost->change >= change_dust);
        CHECK(total == spent + cost->fee + cost->change);
      } else {
        const auto cost = cost_of(draft, spent, shares.size() + 1);
        REQUIRE_MESSAGE(cost.ok(), cost.error().message);
        CHECK(total == spent + cost->fee);
        CHECK(cost->fee == whole_vbytes_fee(cost->weight, draft.feerate) + divided->rest);
        CHECK(divided->rest < change_dust + fee_for(180, draft.feerate));
      }
    }
  }
}

TEST_CASE("the emergency reserve's change output takes what the shares leave") {
  auto draft = proposal(2, 1, true);
  draft.excess = Sat{1'000'000};
  const auto divided = divide(draft, Sat{}, 1, claims({percent(50 * one_percent)}));
  REQUIRE(divided.ok());
  const auto spare = fee_for(draft.weight, draft.feerate) - whole_vbytes_fee(final_weight(draft, 1), draft.feerate);
  CHECK(divided->amounts.at(0) == Sat{(1'000'000 + spare.value) / 2});
  CHECK_FALSE(divided->needs_change);
}

TEST_CASE("a share below the least that a channel may have is named") {
  const auto draft = offer(1, 2, Sat{100'000});
  auto small = claims({Share{"*1", 1, 0}, Share{"0.5%", 0, one_percent / 2}});
  small[1].payee = 7;
  const auto divided = divide(draft, Sat{}, 2, small);
  REQUIRE_FALSE(divided.ok());
  CHECK(divided.error().code == -32602);
  CHECK(divided.error().message ==
        "Insufficient funds for destinations[7].amount: the share 0.5% would be 500 sat, and a channel must have 546");
}
