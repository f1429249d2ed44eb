#include "funding/funding_transaction.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "bitcoin/fees.hpp"
#include "wallet_samples.hpp"

using bitcoin::Perkw;
using bitcoin::Sat;
using funding::FundingOutput;
using funding::Template;
using funding::test::p2wpkh_input_weight;
using funding::test::proposal;
using funding::test::wallet_psbt;
using psbt::Psbt;

namespace {

util::Bytes p2wsh(std::uint8_t fill) {
  util::Bytes script(34, fill);
  script[0] = 0x00;
  script[1] = 32;
  return script;
}

std::vector<FundingOutput> channels(std::size_t count) {
  std::vector<FundingOutput> outputs;
  for (std::size_t i = 0; i < count; ++i) outputs.push_back({Sat{100'000}, p2wsh(static_cast<std::uint8_t>(i))});
  return outputs;
}

}  // namespace

TEST_CASE("every output stands where its number says, with its amount and script") {
  std::mt19937_64 random(1);
  const auto outputs = channels(5);
  const auto built = funding::build(proposal(2, 5, true), outputs, random);
  REQUIRE_MESSAGE(built.ok(), built.error().message);
  const auto psbt = Psbt::from_base64(*built->psbt);
  REQUIRE(psbt.ok());
  CHECK(psbt->txid() == built->txid);
  REQUIRE(psbt->outputs().size() == 6);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    CHECK(psbt->outputs()[built->outnums[i]].script == outputs[i].script);
    CHECK(psbt->outputs()[built->outnums[i]].amount == outputs[i].amount);
  }
  REQUIRE(built->change_outnum.has_value());
  CHECK(psbt->outputs()[*built->change_outnum].script[0] == 0x51);
}

TEST_CASE("the change may be anywhere") {
  std::set<std::uint32_t> places;
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const auto built = funding::build(proposal(1, 3, true), channels(3), random);
    REQUIRE(built.ok());
    places.insert(*built->change_outnum);
  }
  CHECK(places == std::set<std::uint32_t>{0, 1, 2, 3});
}

TEST_CASE("the fee is exact, however many inputs and outputs there are") {
  std::mt19937_64 random(1);
  for (const std::size_t inputs : {std::size_t{1}, std::size_t{252}, std::size_t{253}, std::size_t{400}}) {
    for (const std::size_t outputs : {std::size_t{1}, std::size_t{251}, std::size_t{252}, std::size_t{253}}) {
      CAPTURE(inputs);
      CAPTURE(outputs);
      const auto draft = proposal(inputs, outputs, true);
      const auto built = funding::build(draft, channels(outputs), random);
      REQUIRE_MESSAGE(built.ok(), built.error().message);
      const auto psbt = Psbt::from_base64(*built->psbt);
      // The base, marker and flag, and the witnesses, which are not in the PSBT yet.
      const auto weight = psbt->base_weight() + 2 + inputs * 107;
      CHECK(built->cost.weight == weight);
      CHECK(built->cost.fee == bitcoin::whole_vbytes_fee(weight, draft.feerate));
    }
  }
}

TEST_CASE("without change the excess goes to the fee, but not more than a change would have cost") {
  std::mt19937_64 random(1);
  CHECK(funding::build(proposal(2, 3, false), channels(3), random).ok());
  CHECK_FALSE(funding::build(proposal(2, 3, false), channels(2), random).ok());  // 100,000 sat to the miners
}

TEST_CASE("outputs beyond the inputs are refused") {
  std::mt19937_64 random(1);
  CHECK_FALSE(funding::build(proposal(2, 3, true), channels(4), random).ok());
}

TEST_CASE("an input that is not native segwit is refused and named") {
  std::mt19937_64 random(1);
  auto draft = proposal(1, 1, false);
  draft.psbt = wallet_psbt(1, Sat{1'000'000}, std::nullopt, 21);
  const auto built = funding::build(draft, channels(1), random);
  REQUIRE_FALSE(built.ok());
  CHECK(built.error().code == -32602);
  CHECK(built.error().message.find(draft.psbt.inputs()[0].outpoint.str()) != std::string::npos);
}

TEST_CASE("what lightningd leaves without making change of it is a fee that may be paid, to the last satoshi") {
  for (const auto feerate : {Perkw{253}, Perkw{2'500}, Perkw{25'000}}) {
    CAPTURE(feerate.value);
    Template draft;
    draft.feerate = feerate;
    draft.weight = funding::start_weight(1) + p2wpkh_input_weight;
    // Change of one satoshi below dust, and all that lightningd counts with it.
    const Sat left = bitcoin::fee_for(draft.weight + 4 * 43, feerate) + Sat{329};
    draft.psbt = wallet_psbt(1, Sat{100'000} + left, std::nullopt);
    const auto cost = funding::cost_of(draft, Sat{100'000}, 1);
    REQUIRE_MESSAGE(cost.ok(), cost.error().message);
    CHECK(cost->fee == left);
  }
}

namespace {

/// As lightningd proposes it, which counts `counted` for each input: 239 since v25.05, 271 before.
Template of_closes(std::size_t inputs, std::size_t outputs, std::uint64_t counted, std::optional<Sat> change) {
  Template draft;
  draft.feerate = Perkw{7500};
  draft.has_change = change.has_value();
  draft.weight = funding::start_weight(outputs) + inputs * counted + (change ? 4 * 43 : 0);
  const Sat needed = Sat{outputs * 100'000} + bitcoin::fee_for(draft.weight, draft.feerate) + change.value_or(Sat{});
  draft.psbt = wallet_psbt(inputs, Sat{needed.value / inputs + 1}, change, 32);
  return draft;
}

}  // namespace

TEST_CASE("the script of a coin of a unilateral close is paid for, of which lightningd counts a part or nothing") {
  std::mt19937_64 random(1);
  for (const std::uint64_t counted : {239, 271}) {
    for (const bool change : {true, false}) {
      CAPTURE(counted);
      CAPTURE(change);
      const auto draft = of_closes(2, 2, counted, change ? std::optional(Sat{50'000}) : std::nullopt);
      // Witness: their number, a signature of 71 bytes, a script of 37, each with its length.
      const auto plain = funding::final_weight(proposal(2, 2, change), 2) - 2 * 107;
      CHECK(funding::final_weight(draft, 2) == plain + 2 * (1 + 72 + 38));
      const auto built = funding::build(draft, channels(2), random);
      REQUIRE_MESSAGE(built.ok(), built.error().message);
      const auto wanted = bitcoin::whole_vbytes_fee(plain + 2 * (1 + 72 + 38), draft.feerate);
      // Without change there is nothing to take it from.
      CHECK((built->cost.fee == wanted) == change);
    }
  }
}

TEST_CASE("change that cannot pay for the script is none, and the transaction is made all the same") {
  std::mt19937_64 random(1);
  std::size_t without = 0;
  for (std::uint64_t change = 330; change < 1'200; ++change) {
    CAPTURE(change);
    const auto draft = funding::without_poor_change(of_closes(2, 2, 239, Sat{change}), Sat{200'000}, 2);
    const auto built = funding::build(draft, channels(2), random);
    REQUIRE_MESSAGE(built.ok(), built.error().message);
    CHECK(built->change_outnum.has_value() == draft.has_change);
    CHECK(built->cost.fee >= bitcoin::whole_vbytes_fee(built->cost.weight, draft.feerate));
    if (draft.has_change) CHECK(built->cost.change >= bitcoin::change_dust);
    if (!draft.has_change) ++without;
  }
  // 72 units at 7500perkw, less the 24 that are asked for beyond what is needed.
  CHECK(without > 340);
  CHECK(without < 380);
}
