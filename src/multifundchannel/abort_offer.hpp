#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "funding/ledger.hpp"
#include "funding/psbt.hpp"
#include "lightningd/client.hpp"
#include "multifundchannel/settings.hpp"
#include "spark/scope.hpp"

namespace multifundchannel {

/// What aborting a batch would send: which input, for which fee.
struct AbortTransaction {
  funding::AbortRecord record;
  lightningd::Perkw feerate;
  lightningd::Sat returned;  ///< to the wallet
};

/// Works out the transaction that makes a batch's own impossible, and changes nothing. It spends the largest input
/// alone, so that as much as possible pays for the fee, or that of the abort before, which it is to replace. In a
/// mempool that holds the batch's transaction it must pay more than that in all, and for its own size besides
/// (BIP 125): it always does, since lightningd may send that transaction at any time.
///
/// One for each command; owned by the Service, in whose scope it runs.
class AbortOffer {
 public:
  AbortOffer(spark::Scope& scope, const lightningd::Client& client, const Settings& settings,
             std::shared_ptr<const funding::Ledger> ledger);
  AbortOffer(const AbortOffer&) = delete;
  AbortOffer& operator=(const AbortOffer&) = delete;

  /// Call once. `feerate` in lightningd's notations; empty: "urgent". `then` comes from a reply. Errors: those of
  /// parsefeerate and utxopsbt, and -1 when no input can pay or a channel is in use already.
  void ask(const std::string& feerate, lightningd::Reply<AbortTransaction> then);

 private:
  using Channels = std::vector<lightningd::PeerChannel>;
  using Outputs = std::vector<lightningd::WalletOutput>;

  void look_at_channels();
  void look_at_coins();
  void choose(const Outputs& outputs);
  void quote(lightningd::Perkw feerate);
  void quoted(lightningd::Perkw feerate, const lightningd::Funded& funded);
  void fail(const util::Error& error);

  spark::Scope& scope_;
  lightningd::Client client_;
  Settings settings_;
  std::shared_ptr<const funding::Ledger> ledger_;
  lightningd::Reply<AbortTransaction> then_;
  lightningd::Perkw feerate_;
  lightningd::Outpoint input_;
  lightningd::Sat amount_;     ///< of the input
  lightningd::Sat to_replace_; ///< fee of what may be in a mempool
  bool raised_ = false;
};

}  // namespace multifundchannel
