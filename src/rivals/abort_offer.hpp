#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "context/calls.hpp"
#include "funding/abort_price.hpp"
#include "funding/fee_bounds.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "psbt/psbt.hpp"
#include "spark/scope.hpp"

namespace rivals {

/// What aborting a batch would send: which inputs, for which fee.
struct AbortTransaction {
  ledger::AbortRecord record;
  bitcoin::Perkw feerate;
  bitcoin::Sat returned;                  ///< to the wallet
  std::optional<bitcoin::Txid> replaces;  ///< the abort before
  std::vector<std::string> warnings{};
};

/// Works out the transaction that makes a batch's own impossible, and changes nothing. It spends the largest input,
/// and the next ones as far as they are needed to pay; first of all those of the abort before, which it is to replace,
/// as far as they can be spent still. In a mempool that holds the batch's transaction it must pay more than that in
/// all, and for its own size besides (BIP 125): it always does, since lightningd may send that transaction at any time.
///
/// One for each command; owned by the Aborting, in whose scope it runs.
class AbortOffer {
 public:
  /// `book` knows what other batches of this process have reserved since. `bumped`: the fee of a bump that pays for the
  /// batch's transaction, and goes with it.
  AbortOffer(context::Calls calls, const ledger::Book& book, std::shared_ptr<const ledger::Ledger> ledger,
             bitcoin::Sat bumped);
  AbortOffer(const AbortOffer&) = delete;
  AbortOffer& operator=(const AbortOffer&) = delete;

  /// Call once. `feerate` in lightningd's notations; empty: "urgent", or the mempool's floor when that is higher.
  /// `then` comes from a reply. Errors: those of parsefeerate and utxopsbt, -32602 for a fee that bitcoind would
  /// refuse, and -1 when the inputs cannot pay or a channel is in use already.
  void ask(const std::string& feerate, lightningd::Reply<AbortTransaction> then);

 private:
  using Channels = std::vector<lightningd::PeerChannel>;
  using Outputs = std::vector<lightningd::WalletOutput>;

  void ask_floor();
  void look_at_channels();
  void look_at_coins();
  void choose(const Outputs& outputs);
  void quote(bitcoin::Perkw feerate);
  void quoted(bitcoin::Perkw feerate, const lightningd::Funded& funded);
  void cannot_pay(const std::string& what);
  [[nodiscard]] bool spends_chosen(const psbt::Psbt& psbt) const;
  void fail(const util::Error& error);

  context::Calls calls_;
  const ledger::Book& book_;
  std::shared_ptr<const ledger::Ledger> ledger_;
  const bitcoin::Sat bumped_;
  lightningd::Reply<AbortTransaction> then_;
  bool feerate_given_ = false;
  bitcoin::Perkw feerate_;
  funding::FeeBounds bounds_;
  std::optional<funding::AbortPrice> price_;
  std::vector<funding::AbortCoin> coins_;  ///< that can be spent, in the order in which they are taken
  std::size_t chosen_ = 0;                 ///< of them
  bool raised_ = false;
};

}  // namespace rivals
