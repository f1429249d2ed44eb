#pragma once

#include <doctest/doctest.h>

#include <optional>

#include "bitcoin/fees.hpp"
#include "funding/funding_transaction.hpp"

namespace funding::test {

using bitcoin::Perkw;
using bitcoin::Sat;

inline constexpr std::uint64_t p2wpkh_input_weight = 4 * 41 + 107;

inline void append(util::Bytes& out, std::uint64_t number, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    out.push_back(static_cast<std::uint8_t>(i < sizeof number ? number >> (8 * i) : 0));
  }
}

inline void append_compact(util::Bytes& out, std::uint64_t n) {
  if (n < 0xFD) return append(out, n, 1);
  out.push_back(0xFD);
  append(out, n, 2);
}

/// A version 0 PSBT as the wallet makes it: `inputs` P2WPKH coins of `coin` each, perhaps change.
inline psbt::Psbt wallet_psbt(std::size_t inputs, Sat coin, std::optional<Sat> change, std::uint8_t script_size = 20) {
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
  auto parsed = psbt::Psbt::parse(psbt);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error().message);
  return *parsed;
}

/// What lightningd's fundpsbt proposes for `outputs` channels of 100,000 sat.
inline Template proposal(std::size_t inputs, std::size_t outputs, bool change, Perkw feerate = Perkw{7500}) {
  Template draft;
  draft.feerate = feerate;
  draft.weight = start_weight(outputs) + inputs * p2wpkh_input_weight + (change ? 4 * 43 : 0);
  draft.has_change = change;
  const Sat needed = Sat{outputs * 100'000} + bitcoin::fee_for(draft.weight, feerate);
  const Sat coin{(needed.value + (change ? 50'000 : 0)) / inputs + 1};
  std::optional<Sat> left;
  if (change) left = Sat{coin.value * inputs} - needed;
  draft.psbt = wallet_psbt(inputs, coin, left);
  return draft;
}

}  // namespace funding::test
