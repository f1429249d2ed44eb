#include "sim/chain.hpp"

#include <algorithm>
#include <utility>

namespace sim {

std::set<bitcoin::Txid> Chain::conflicts_of(const bitcoin::Transaction& transaction) const {
  std::set<bitcoin::Txid> conflicts;
  for (const auto& input : transaction.inputs) {
    if (const auto other = spender(input.outpoint)) add_with_children(*other, conflicts);
  }
  return conflicts;
}

void Chain::add_with_children(const bitcoin::Txid& txid, std::set<bitcoin::Txid>& found) const {
  if (!found.insert(txid).second) return;
  for (const auto& [outpoint, child] : spent_) {
    if (outpoint.txid == txid) add_with_children(child, found);
  }
}

bool Chain::may_replace(const std::set<bitcoin::Txid>& conflicts, std::optional<std::uint64_t> fee) const {
  std::uint64_t theirs = 0;
  for (const auto& txid : conflicts) {
    const auto known = fees_.find(txid);
    if (known == fees_.end() || heights_.contains(txid)) return false;
    theirs += known->second;
  }
  return fee && *fee > theirs;
}

void Chain::drop(const bitcoin::Txid& txid) {
  known_.erase(txid);
  fees_.erase(txid);
  std::erase_if(spent_, [&txid](const auto& spend) { return spend.second == txid; });
  std::erase_if(mempool_, [&txid](const auto& transaction) { return transaction.txid() == txid; });
}

Chain::Verdict Chain::submit(const bitcoin::Transaction& transaction, std::optional<std::uint64_t> fee) {
  const auto txid = transaction.txid();
  if (heights_.contains(txid)) return Verdict::in_a_block;
  if (has(txid)) return Verdict::known;
  const auto conflicts = conflicts_of(transaction);
  if (!may_replace(conflicts, fee) && !conflicts.empty()) return Verdict::conflict;
  for (const auto& other : conflicts) drop(other);
  known_.emplace(txid, transaction.outputs);
  if (fee) fees_.emplace(txid, *fee);
  for (const auto& input : transaction.inputs) spent_.emplace(input.outpoint, txid);
  mempool_.push_back(transaction);
  return Verdict::accepted;
}

std::vector<bitcoin::Transaction> Chain::mine(std::uint32_t height) {
  auto block = std::exchange(mempool_, {});
  for (const auto& transaction : block) {
    heights_.emplace(transaction.txid(), height);
    mined_.emplace_back(height, transaction);
  }
  return block;
}

void Chain::unmine(std::uint32_t height) {
  for (const auto& [at, transaction] : mined_) {
    if (at != height) continue;
    heights_.erase(transaction.txid());
    mempool_.push_back(transaction);
  }
  std::erase_if(mined_, [height](const auto& one) { return one.first == height; });
}

std::optional<std::uint32_t> Chain::height(const bitcoin::Txid& txid) const {
  const auto found = heights_.find(txid);
  return found == heights_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<bitcoin::TxOutput> Chain::unspent(const bitcoin::Outpoint& outpoint) const {
  const auto found = known_.find(outpoint.txid);
  if (found == known_.end() || outpoint.vout >= found->second.size() || spender(outpoint)) return std::nullopt;
  return found->second[outpoint.vout];
}

std::optional<bitcoin::Txid> Chain::spender(const bitcoin::Outpoint& outpoint) const {
  const auto found = spent_.find(outpoint);
  return found == spent_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace sim
