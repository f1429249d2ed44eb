#include "sim/chain.hpp"

#include <algorithm>
#include <utility>

namespace sim {

Chain::Verdict Chain::submit(const funding::Transaction& transaction) {
  const auto txid = transaction.txid();
  if (heights_.contains(txid)) return Verdict::in_a_block;
  if (has(txid)) return Verdict::known;
  const bool conflict = std::any_of(transaction.inputs.begin(), transaction.inputs.end(),
                                    [this](const auto& input) { return spent_.contains(input.outpoint); });
  if (conflict) return Verdict::conflict;
  known_.insert(txid);
  for (const auto& input : transaction.inputs) spent_.emplace(input.outpoint, txid);
  mempool_.push_back(transaction);
  return Verdict::accepted;
}

std::vector<funding::Transaction> Chain::mine(std::uint32_t height) {
  auto block = std::exchange(mempool_, {});
  for (const auto& transaction : block) heights_.emplace(transaction.txid(), height);
  return block;
}

std::optional<std::uint32_t> Chain::height(const lightningd::Txid& txid) const {
  const auto found = heights_.find(txid);
  return found == heights_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<lightningd::Txid> Chain::spender(const lightningd::Outpoint& outpoint) const {
  const auto found = spent_.find(outpoint);
  return found == spent_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace sim
