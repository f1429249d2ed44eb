#pragma once

#include <memory>
#include <vector>

#include "chain/chain_look.hpp"
#include "context/calls.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"

namespace rivals {

/// lightningd does not forget the outputs of a transaction that cannot confirm any more: it shows them as unconfirmed,
/// and may pay for an anchor with them (v26.06.6, wallet_utxo_boost). No node takes such a transaction. So when a
/// batch's transaction is impossible, what the wallet has of it is reserved for good: its change, the outputs of aborts
/// that another transaction has outrun, and of all that builds upon these.
///
/// Owned by the Removal; runs in the Settlement's scope.
class DeadOutputs {
 public:
  DeadOutputs(context::Calls calls, std::shared_ptr<const ledger::Ledger> ledger)
      : calls_(std::move(calls)), ledger_(std::move(ledger)) {}
  DeadOutputs(const DeadOutputs&) = delete;
  DeadOutputs& operator=(const DeadOutputs&) = delete;

  /// Call once, with a batch whose transaction is proven to be impossible. `then` comes from a reply: all that nobody
  /// had reserved is reserved now. Errors: those of listtransactions, listfunds and reserveinputs.
  void reserve(lightningd::Reply<void> then);

 private:
  using Recorded = std::vector<chain::WalletTransaction>;
  using Outputs = std::vector<lightningd::WalletOutput>;

  void look_at_outputs(const Recorded& recorded);
  void reserve(const std::vector<bitcoin::Outpoint>& outputs);

  context::Calls calls_;
  std::shared_ptr<const ledger::Ledger> ledger_;
  lightningd::Reply<void> then_;
};

/// The transactions among these that cannot confirm, by what is in a block, given that `txid` cannot: that one, those
/// without a block that spend an input of it which another one in a block spends, and whatever spends an output of
/// these. `inputs`: those of `txid`, which the wallet need not have recorded.
[[nodiscard]] std::vector<bitcoin::Txid> dead_transactions(const bitcoin::Txid& txid,
                                                           const std::vector<bitcoin::Outpoint>& inputs,
                                                           const std::vector<chain::WalletTransaction>& recorded);

}  // namespace rivals
