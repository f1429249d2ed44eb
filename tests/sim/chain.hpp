#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "funding/transaction.hpp"
#include "lightningd/types.hpp"

namespace sim {

/// The network: its mempool and its blocks, whatever lightningd was told about them. Outlives every
/// restart of lightningd.
class Chain {
 public:
  enum class Verdict { accepted, known, in_a_block, conflict };

  /// As sendrawtransaction. A conflict: something else in mempool or chain spends one of the inputs, and is not
  /// replaced: that takes a higher fee than theirs, who must be in the mempool and of the wallet's own. Without a
  /// fee it is of others.
  Verdict submit(const funding::Transaction& transaction, std::optional<std::uint64_t> fee = std::nullopt);
  /// All of the mempool into a block.
  [[nodiscard]] std::vector<funding::Transaction> mine(std::uint32_t height);

  /// In mempool or chain.
  [[nodiscard]] bool has(const lightningd::Txid& txid) const { return known_.contains(txid); }
  [[nodiscard]] std::optional<std::uint32_t> height(const lightningd::Txid& txid) const;
  /// The transaction in mempool or chain that spends the outpoint.
  [[nodiscard]] std::optional<lightningd::Txid> spender(const lightningd::Outpoint& outpoint) const;

 private:
  [[nodiscard]] std::set<lightningd::Txid> conflicts_of(const funding::Transaction& transaction) const;
  [[nodiscard]] bool may_replace(const std::set<lightningd::Txid>& conflicts, std::optional<std::uint64_t> fee) const;
  void drop(const lightningd::Txid& txid);

  std::set<lightningd::Txid> known_;
  std::map<lightningd::Txid, std::uint32_t> heights_;
  std::map<lightningd::Outpoint, lightningd::Txid> spent_;
  std::map<lightningd::Txid, std::uint64_t> fees_;  // of the wallet's own
  std::vector<funding::Transaction> mempool_;
};

}  // namespace sim
