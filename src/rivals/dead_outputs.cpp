#include "rivals/dead_outputs.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "chain/depth.hpp"
#include "psbt/psbt.hpp"
#include "wallet/holds.hpp"

namespace rivals {

using bitcoin::Outpoint;
using bitcoin::Txid;
using chain::WalletTransaction;
using lightningd::WalletOutput;
using util::Result;

std::vector<Txid> dead_transactions(std::vector<Txid> dead, const std::vector<Outpoint>& inputs,
                                    const std::vector<WalletTransaction>& recorded, std::uint32_t height) {
  std::set<Outpoint> lost;
  for (const auto& transaction : recorded) {
    const auto at = transaction.blockheight;
    if (!chain::is_deep(at, height)) continue;
    for (const auto& input : transaction.inputs) {
      if (std::find(inputs.begin(), inputs.end(), input) != inputs.end()) lost.insert(input);
    }
  }
  const auto is_dead = [&dead](const Txid& one) { return std::find(dead.begin(), dead.end(), one) != dead.end(); };
  const auto cannot_be_spent = [&lost, &is_dead](const Outpoint& input) {
    return lost.contains(input) || is_dead(input.txid);
  };
  const auto dies = [&cannot_be_spent](const WalletTransaction& transaction) {
    return std::any_of(transaction.inputs.begin(), transaction.inputs.end(), cannot_be_spent);
  };
  for (bool more = true; std::exchange(more, false);) {
    for (const auto& transaction : recorded) {
      if (transaction.blockheight > 0 || is_dead(transaction.txid) || !dies(transaction)) continue;
      dead.push_back(transaction.txid);
      more = true;
    }
  }
  return dead;
}

void DeadOutputs::reserve(Own own, std::uint32_t height, lightningd::Reply<void> then) {
  then_ = std::move(then);
  if (own == Own::impossible) known_ = {ledger_->plan->txid};
  auto listed = [this, height](const Result<Recorded>& recorded) {
    recorded ? look_at_outputs(*recorded, height) : std::exchange(then_, nullptr)(recorded.error());
  };
  chain::ChainLook(calls_.client).all_recorded(calls_.local<Recorded>("listtransactions", std::move(listed)));
}

void DeadOutputs::look_at_outputs(const Recorded& recorded, std::uint32_t height) {
  std::vector<Outpoint> inputs;
  if (const auto psbt = psbt::Psbt::from_base64(*ledger_->plan->psbt)) {
    for (const auto& input : psbt->inputs()) inputs.push_back(input.outpoint);
  }
  auto dead = dead_transactions(known_, inputs, recorded, height);
  auto listed = [this, height, dead = std::move(dead)](const Result<Outputs>& outputs) {
    if (!outputs) return std::exchange(then_, nullptr)(outputs.error());
    std::vector<Outpoint> found;
    for (const auto& output : *outputs) {
      const bool is_dead = std::find(dead.begin(), dead.end(), output.outpoint.txid) != dead.end();
      const bool unconfirmed = output.status == lightningd::OutputStatus::unconfirmed;
      if (is_dead && unconfirmed && !is_reserved_for_good(output, height)) found.push_back(output.outpoint);
    }
    found.empty() ? std::exchange(then_, nullptr)({}) : reserve(found);
  };
  calls_.client.listfunds(calls_.local<Outputs>("listfunds", std::move(listed)));
}

// Blocks are added to what others have reserved: that ends, and nobody would come back.
void DeadOutputs::reserve(const std::vector<Outpoint>& outputs) {
  using Reservations = std::vector<lightningd::Reservation>;
  auto answered = [this](const Result<Reservations>& reserved) {
    std::exchange(then_, nullptr)(reserved ? Result<void>() : Result<void>(reserved.error()));
  };
  calls_.client.reserveinputs(wallet::psbt_of(outputs), false, lightningd::for_good,
                              calls_.local<Reservations>("reserveinputs", std::move(answered)));
}

}  // namespace rivals
