#include "multifundchannel/rival.hpp"

#include <algorithm>
#include <set>

#include "funding/psbt.hpp"
#include "util/mutation.hpp"

namespace multifundchannel {

using lightningd::Outpoint;
using lightningd::WalletTransaction;

std::optional<Rival> find_rival(const funding::FundingPlan& plan, const std::vector<WalletTransaction>& transactions,
                                std::uint32_t height) {
  const auto psbt = funding::Psbt::from_base64(*plan.psbt);
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
    const bool confirmed = (at > 0 && at <= height) || util::mutated("aborts-before-confirmed");
    if (transaction.txid == plan.txid || !confirmed || !spends(transaction)) continue;
    const auto depth = util::mutated("aborts-before-confirmed") ? Rival::deep_enough : height - at + 1;
    if (!deepest || depth > deepest->depth) deepest = Rival{transaction.txid, depth};
  }
  return deepest;
}

bool has_confirmed(const funding::FundingPlan& plan, const std::vector<WalletTransaction>& transactions) {
  return std::any_of(transactions.begin(), transactions.end(), [&plan](const WalletTransaction& transaction) {
    return transaction.txid == plan.txid && transaction.blockheight > 0;
  });
}

}  // namespace multifundchannel
