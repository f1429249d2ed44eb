#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "funding/psbt.hpp"
#include "funding/transaction.hpp"
#include "sim/wallet.hpp"
#include "util/bytes.hpp"

namespace sim {

/// A version 0 PSBT taken apart, to sign and finalise it: what the plugin leaves to lightningd.
class RawPsbt {
 public:
  /// With nothing known about inputs and outputs.
  explicit RawPsbt(funding::Transaction transaction);
  /// Nothing only when the codec wrote something that is no PSBT.
  [[nodiscard]] static std::optional<RawPsbt> from(const funding::Psbt& psbt);

  [[nodiscard]] const funding::Transaction& transaction() const { return transaction_; }
  [[nodiscard]] std::string base64() const { return util::to_base64(serialise()); }
  [[nodiscard]] util::Bytes serialise() const;

  /// The UTXO of the coin that input `index` spends.
  void describe(std::size_t index, const Coin& coin);
  /// Has the witness UTXO or is final: what fundchannel_complete asks for.
  [[nodiscard]] bool txid_is_known(std::size_t index) const;
  /// Puts a signature of the usual size there; any bytes do.
  void sign(std::size_t index, const Coin& coin, Random& random);
  [[nodiscard]] bool is_signed() const;

  /// The transaction with its witnesses, as it is broadcast. All inputs must be signed.
  [[nodiscard]] util::Bytes final_transaction() const;
  /// Of that one, in weight units; the witnesses are guessed where they are missing.
  [[nodiscard]] std::uint64_t weight() const;

 private:
  [[nodiscard]] util::Bytes witness(std::size_t index) const;

  funding::Transaction transaction_;
  std::vector<funding::PsbtMap> inputs_;
  std::vector<funding::PsbtMap> outputs_;
  funding::PsbtMap global_;
};

}  // namespace sim
