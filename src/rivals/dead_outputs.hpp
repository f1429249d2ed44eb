#pragma once

#include <memory>
#include <vector>

#include "chain/chain_look.hpp"
#include "context/calls.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"

namespace rivals {

/// lightningd does not forget the outputs of a transaction that cannot confirm any more: it shows them as unconfirmed,
/// and may pay for an anchor with them (v26.06.6, wallet_utxo_boost). No node takes such a transaction. So when six
/// blocks have decided which transaction spends the inputs of a batch, the outputs of all others are reserved for good:
/// the change of the batch, the outputs of its aborts, and those of all that builds upon these.
///
/// Owned by the Impossibility; runs in the Settlement's scope.
class DeadOutputs {
 public:
  /// The batch's own transaction: proven to be impossible, or six blocks deep.
  enum class Own { impossible, confirmed };

  DeadOutputs(context::Calls calls, std::shared_ptr<const ledger::Ledger> ledger)
      : calls_(std::move(calls)), ledger_(std::move(ledger)) {}
  DeadOutputs(const DeadOutputs&) = delete;
  DeadOutputs& operator=(const DeadOutputs&) = delete;

  /// Call once. `height`: the chain's. `then` comes from a reply: all of them is reserved. Errors: those
  /// of listtransactions, listfunds and reserveinputs.
  void reserve(Own own, std::uint32_t height, lightningd::Reply<void> then);

 private:
  using Recorded = std::vector<chain::WalletTransaction>;
  using Outputs = std::vector<lightningd::WalletOutput>;

  void look_at_outputs(const Recorded& recorded, std::uint32_t height);
  void reserve(const std::vector<bitcoin::Outpoint>& outputs);

  context::Calls calls_;
  std::shared_ptr<const ledger::Ledger> ledger_;
  std::vector<bitcoin::Txid> known_;  ///< to be dead
  lightningd::Reply<void> then_;
};

/// The transactions among `recorded` that cannot confirm: `known`, those in no block that spend one of `inputs` which
/// another one has spent, six blocks deep, and whatever spends an output of these.
[[nodiscard]] std::vector<bitcoin::Txid> dead_transactions(std::vector<bitcoin::Txid> known,
                                                           const std::vector<bitcoin::Outpoint>& inputs,
                                                           const std::vector<chain::WalletTransaction>& recorded,
                                                           std::uint32_t height);

}  // namespace rivals
