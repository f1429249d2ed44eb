#include "rivals/rival.hpp"

#include <algorithm>
#include <set>

#include "psbt/psbt.hpp"

namespace rivals {

using bitcoin::Outpoint;
using chain::WalletTransaction;

std::optional<Rival> find_rival(const ledger::FundingPlan& plan, const std::vector<WalletTransaction>& transactions,
                                std::uint32_t height) {
  const auto psbt = psbt::Psbt::from_base64(*plan.psbt);
  if (!psbt) return std::nullopt;
  std::set<Outpoint> inputs;
  for (const auto& input : psbt->inputs()) inputs.insert(input.outpoint);
  const auto spends = [&inputs](const WalletTransaction& transaction) {
    return std::any_of(transaction.inputs.begin(), transaction.inputs.end(),
                       [&inputs](const Outpoint& input) { return inputs.contains(input); });
  };
  std::optional<Rival> deepest;
  for (const auto& transaction : transactions) {
    const auto at = transaction.blockheight;
    const bool confirmed = at > 0 && at <= height;
    if (transaction.txid == plan.txid || !confirmed || !spends(transaction)) continue;
    const auto depth = chain::depth(at, height);
    if (!deepest || depth > deepest->depth) deepest = Rival{transaction.txid, depth};
  }
  return deepest;
}

std::uint32_t depth_of_own(const ledger::FundingPlan& plan, const std::vector<WalletTransaction>& transactions,
                           std::uint32_t height) {
  const auto own = std::find_if(transactions.begin(), transactions.end(), [&plan](const WalletTransaction& one) {
    return one.txid == plan.txid && one.blockheight > 0;
  });
  return own == transactions.end() ? 0 : chain::depth(own->blockheight, height);
}

}  // namespace rivals
