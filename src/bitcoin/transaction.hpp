#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "util/bytes.hpp"
#include "util/result.hpp"

namespace bitcoin {

/// BIP 65: locktimes below are block heights, the others are Unix times.
inline constexpr std::uint32_t first_time_locktime = 500'000'000;

struct TxInput {
  Outpoint outpoint;
  std::uint32_t sequence = 0xFFFFFFFF;
};

struct TxOutput {
  Sat amount;
  util::Bytes script;
  auto operator<=>(const TxOutput&) const = default;
};

/// A transaction before it is signed: no scriptSigs, no witnesses.
struct Transaction {
  std::uint32_t version = 2;
  std::vector<TxInput> inputs;
  std::vector<TxOutput> outputs;
  std::uint32_t locktime = 0;

  /// Never with the segwit marker, as BIP 174 wants it (a transaction without inputs needs that).
  [[nodiscard]] util::Bytes serialise() const;
  /// Its txid as it stands; the final one when no input will need a scriptSig.
  [[nodiscard]] Txid txid() const;

  /// Reverses serialise(). Errors (without a code): truncated, bytes left over, a scriptSig, an
  /// amount beyond 21 million btc.
  [[nodiscard]] static util::Result<Transaction> parse(std::span<const std::uint8_t> bytes);
};

/// A transaction as it goes to the network (BIP 144).
struct SignedTransaction {
  Transaction transaction;
  std::vector<util::Bytes>
      witnesses;  ///< of each input, serialised: the number of its elements, then each with its length

  /// 4 for each byte outside of the witnesses, 1 for each of theirs (BIP 141).
  [[nodiscard]] std::uint64_t weight() const;

  /// Nothing when it is not exactly one, when it has no witness, when an output is beyond 21 million btc, and when an
  /// input has a scriptSig: that would be no native segwit input.
  [[nodiscard]] static std::optional<SignedTransaction> parse(const util::Bytes& bytes);
};

/// What an earlier transaction tells about the outputs that ours spends.
struct PreviousTransaction {
  Txid txid;
  std::vector<TxOutput> outputs;
  std::optional<std::uint32_t> coinbase_height;  ///< of a coinbase, which names its block (BIP 34)

  /// From the network serialisation, with or without witnesses. Nothing when it is not exactly one, or an output is
  /// beyond 21 million btc.
  [[nodiscard]] static std::optional<PreviousTransaction> parse(const util::Bytes& bytes);
};

/// A txid between the order in which it is shown and the one in which it is serialised.
[[nodiscard]] util::Bytes serialise(const Txid& txid);
/// Nothing unless there are 32 bytes.
[[nodiscard]] std::optional<Txid> parse_txid(std::span<const std::uint8_t> bytes);

}  // namespace bitcoin
