#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bitcoin/transaction.hpp"
#include "psbt/psbt.hpp"
#include "sim/wallet.hpp"
#include "util/bytes.hpp"

namespace sim {

/// A version 0 PSBT taken apart, to sign and finalise it: what the plugin leaves to lightningd.
class RawPsbt {
 public:
  /// With nothing known about inputs and outputs.
  explicit RawPsbt(bitcoin::Transaction transaction);
  /// Nothing only when the codec wrote something that is no PSBT.
  [[nodiscard]] static std::optional<RawPsbt> from(const psbt::Psbt& psbt);

  [[nodiscard]] const bitcoin::Transaction& transaction() const { return transaction_; }
  [[nodiscard]] std::string base64() const { return util::to_base64(serialise()); }
  [[nodiscard]] util::Bytes serialise() const;

  /// The UTXO of the coin that input `index` spends.
  void describe(std::size_t index, const Coin& coin);
  /// Has the witness UTXO or is final: what fundchannel_complete asks for.
  [[nodiscard]] bool txid_is_known(std::size_t index) const;
  /// Puts a signature of the usual size there; any bytes do.
  void sign(std::size_t index, const Coin& coin, Random& random);
  [[nodiscard]] bool is_signed() const;

  [[nodiscard]] bool has_output_field(std::size_t index, const util::Bytes& key) const {
    return outputs_[index].get(key) != nullptr;
  }

  /// The transaction with its witnesses, as it is broadcast. All inputs must be signed.
  [[nodiscard]] util::Bytes final_transaction() const;
  /// Of that one, in weight units; the witnesses are guessed where they are missing.
  [[nodiscard]] std::uint64_t weight() const;

 private:
  [[nodiscard]] util::Bytes witness(std::size_t index) const;

  bitcoin::Transaction transaction_;
  std::vector<psbt::PsbtMap> inputs_;
  std::vector<psbt::PsbtMap> outputs_;
  psbt::PsbtMap global_;
};

}  // namespace sim
