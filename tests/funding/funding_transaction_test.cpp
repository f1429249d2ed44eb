#include "funding/funding_transaction.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using funding::FundingOutput;
using funding::Psbt;
using funding::Template;
using lightningd::Perkw;
using lightningd::Sat;

namespace {

constexpr std::uint64_t p2wpkh_input_weight = 4 * 41 + 107;

util::Bytes p2wsh(std::uint8_t fill) {
  util::Bytes script(34, fill);
  script[0] = 0x00;
  script[1] = 32;
  return script;
}

void append(util::Bytes& out, std::uint64_t number, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
}

void append_compact(util::Bytes& out, std::uint64_t n) {
  if (n < 0xFD) return append(out, n, 1);
  out.push_back(0xFD);
  append(out, n, 2);
}

/// A version 0 PSBT as the wallet makes it: `inputs` P2WPKH coins of `coin` each, perhaps change.
Psbt wallet_psbt(std::size_t inputs, Sat coin, std::optional<Sat> change, std::uint8_t script_size = 20) {
  util::Bytes tx;
  append(tx, 2, 4);
  append_compact(tx, inputs);
  for (std::size_t i = 0; i < inputs; ++i) {
    append(tx, i + 1, 32);
    append(tx, 0, 4);
    append(tx, 0, 1);
    append(tx, 0xFFFFFFFD, 4);
  }
  append_compact(tx, change ? 1 : 0);
  if (change) {
    append(tx, change->value, 8);
    append(tx, 34, 1);
    tx.insert(tx.end(), {0x51, 32});
    tx.insert(tx.end(), 32, 0xCC);
  }
  append(tx, 0, 4);

  util::Bytes psbt{0x70, 0x73, 0x62, 0x74, 0xFF, 0x01, 0x00};
  append_compact(psbt, tx.size());
  psbt.insert(psbt.end(), tx.begin(), tx.end());
  psbt.push_back(0);
  for (std::size_t i = 0; i < inputs; ++i) {
    psbt.insert(psbt.end(), {0x01, 0x01, static_cast<std::uint8_t>(8 + 1 + 2 + script_size)});
    append(psbt, coin.value, 8);
    psbt.insert(psbt.end(), {static_cast<std::uint8_t>(2 + script_size), 0x00, script_size});
    psbt.insert(psbt.end(), script_size, 0xAA);
    psbt.push_back(0);
  }
  if (change) psbt.push_back(0);
  auto parsed = Psbt::parse(psbt);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error().message);
  return *parsed;
}

/// What lightningd's fundpsbt proposes for `outputs` channels of 100,000 sat.
Template proposal(std::size_t inputs, std::size_t outputs, bool change, Perkw feerate = Perkw{7500}) {
  Template draft;
  draft.feerate = feerate;
  draft.weight = funding::start_weight(outputs) + inputs * p2wpkh_input_weight + (change ? 4 * 43 : 0);
  draft.has_change = change;
  const Sat needed = Sat{outputs * 100'000} + funding::fee_for(draft.weight, feerate);
  const Sat coin{(needed.value + (change ? 50'000 : 0)) / inputs + 1};
  std::optional<Sat> left;
  if (change) left = Sat{coin.value * inputs} - needed;
  draft.psbt = wallet_psbt(inputs, coin, left);
  return draft;
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
      CHECK(built->weight == weight);
      CHECK(built->fee == funding::fee_for(weight, draft.feerate));
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

TEST_CASE("`all` gets the excess less the others, and pays for the longer counters") {
  auto draft = proposal(1, 2, false);
  draft.excess = Sat{500'000};
  CHECK(*funding::all_amount(draft, Sat{100'000}, 2) == Sat{400'000});

  auto many = proposal(300, 2, false);
  many.excess = Sat{500'000};
  const auto longer = funding::fee_for(many.weight + 8, many.feerate) - funding::fee_for(many.weight, many.feerate);
  CHECK(*funding::all_amount(many, Sat{100'000}, 2) == Sat{400'000} - longer);
  CHECK(funding::all_amount(draft, Sat{499'600}, 2).error().code == -32602);
  CHECK(funding::all_amount(draft, Sat{600'000}, 2).error().code == -32602);
}
