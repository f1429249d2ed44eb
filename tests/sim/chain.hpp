#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "bitcoin/ids.hpp"
#include "bitcoin/transaction.hpp"

namespace sim {

/// The network: its mempool and its blocks, whatever lightningd was told about them. Outlives every
/// restart of lightningd.
class Chain {
 public:
  enum class Verdict { accepted, known, in_a_block, conflict };

  /// As sendrawtransaction. A conflict: something else in mempool or chain spends one of the inputs, and is not
  /// replaced: that takes a higher fee than theirs and that of all that builds upon them, who must be in the mempool
  /// and of the wallet's own. Without a fee it is of others.
  Verdict submit(const bitcoin::Transaction& transaction, std::optional<std::uint64_t> fee = std::nullopt);
  /// All of the mempool into a block.
  [[nodiscard]] std::vector<bitcoin::Transaction> mine(std::uint32_t height);
  /// The block is none any more: what it held is in the mempool again.
  void unmine(std::uint32_t height);

  /// Out of the mempool, as what pays least when that is full.
  void drop(const bitcoin::Txid& txid);

  /// In mempool or chain.
  [[nodiscard]] bool has(const bitcoin::Txid& txid) const { return known_.contains(txid); }
  [[nodiscard]] std::optional<std::uint32_t> height(const bitcoin::Txid& txid) const;
  /// Of an output in mempool or chain that nothing there spends, as gettxout.
  [[nodiscard]] std::optional<bitcoin::TxOutput> unspent(const bitcoin::Outpoint& outpoint) const;
  /// The transaction in mempool or chain that spends the outpoint.
  [[nodiscard]] std::optional<bitcoin::Txid> spender(const bitcoin::Outpoint& outpoint) const;

 private:
  /// What spends the same, and all that builds upon it.
  [[nodiscard]] std::set<bitcoin::Txid> conflicts_of(const bitcoin::Transaction& transaction) const;
  void add_with_children(const bitcoin::Txid& txid, std::set<bitcoin::Txid>& found) const;
  [[nodiscard]] bool may_replace(const std::set<bitcoin::Txid>& conflicts, std::optional<std::uint64_t> fee) const;

  std::map<bitcoin::Txid, std::vector<bitcoin::TxOutput>> known_;
  std::map<bitcoin::Txid, std::uint32_t> heights_;
  std::map<bitcoin::Outpoint, bitcoin::Txid> spent_;
  std::map<bitcoin::Txid, std::uint64_t> fees_;  // of the wallet's own
  std::vector<bitcoin::Transaction> mempool_;
  std::vector<std::pair<std::uint32_t, bitcoin::Transaction>> mined_;  // with the height of its block
};

}  // namespace sim
