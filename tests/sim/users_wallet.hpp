#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "bitcoin/ids.hpp"
#include "bitcoin/transaction.hpp"
#include "sim/chain.hpp"
#include "sim/random.hpp"
#include "sim/setup.hpp"
#include "sim/wallet.hpp"
#include "util/bytes.hpp"

namespace sim {

/// The user's own wallet: its coins are in the chain, and lightningd knows nothing of them. All of them are P2WPKH.
class UsersWallet {
 public:
  /// From numbers of its own, so that nothing else changes.
  UsersWallet(const Setup& setup, Chain& chain);

  [[nodiscard]] std::optional<bitcoin::TxOutput> coin(const bitcoin::Outpoint& outpoint) const;
  [[nodiscard]] bool owns(const util::Bytes& script) const { return keys_.contains(script); }
  /// Spends all coins; in base64.
  [[nodiscard]] std::string psbt(bool with_change);
  /// The same, signed. Empty for what is no PSBT.
  [[nodiscard]] std::string sign(const std::string& psbt);
  /// A transaction that spends its coins, as it stands in a block: in hex, with witnesses. Empty for one of others.
  [[nodiscard]] std::string in_block(const bitcoin::Transaction& transaction);
  /// lightningd's `opening`, for which prepare asks.
  [[nodiscard]] std::uint32_t feerate() const { return feerate_; }

 private:
  [[nodiscard]] util::Bytes new_script();
  [[nodiscard]] Coin as_coin(const bitcoin::TxOutput& output) const;

  Random random_;
  std::uint32_t feerate_;
  std::map<bitcoin::Outpoint, bitcoin::TxOutput> coins_;
  std::map<util::Bytes, util::Bytes> keys_;  ///< by the scripts that name them
};

}  // namespace sim
