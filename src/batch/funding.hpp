#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "checks/coin_look.hpp"
#include "funding/funding_transaction.hpp"
#include "given/given_coins.hpp"
#include "ledger/ledger.hpp"
#include "report/details.hpp"
#include "request/request.hpp"
#include "roster/roster.hpp"
#include "wallet/asking.hpp"
#include "wallet/holding.hpp"

namespace batch {

/// What pays for a batch: the coins that the wallet has reserved (or those of the user's PSBT), its proposal for the
/// peers that are left, and the transaction that is made of it. Owned by the Batch, and runs in its scope.
class Funding {
 public:
  /// What outlives it.
  struct Parts {
    const request::Request& request;
    wallet::Holding& holding;
    std::optional<report::Details>& details;  ///< only when they were asked for
    std::int64_t begun = 0;                   ///< Unix time
  };

  Funding(peers::BatchContext& context, roster::Roster& roster, Parts parts);
  Funding(const Funding&) = delete;
  Funding& operator=(const Funding&) = delete;

  /// Reserves coins for the peers that are left. Errors: those of the wallet, with why coins do not count, and a fee
  /// beyond what the request or bitcoind allows.
  void reserve(bitcoin::Perkw feerate, lightningd::Reply<void> then);
  /// The same coins for the peers that are left now. What the shares get may have grown.
  void propose_again(lightningd::Reply<void> then);
  /// Whether the proposal is for exactly the peers that are left.
  [[nodiscard]] bool is_for_those_left() const { return roster_.live() == peers_; }
  /// Those that the proposal is for.
  [[nodiscard]] const roster::Peers& peers() const { return peers_; }
  [[nodiscard]] bitcoin::Sat amount_of(const peers::PeerOpening& peer) const;
  /// Those whose opening is too old to be completed, or for another amount than its share is now.
  [[nodiscard]] roster::Peers stale();

  /// Makes the transaction that pays what each peer has started with, and the request's payments.
  [[nodiscard]] util::Result<void> build(std::mt19937_64& random);
  /// The last one that was made. What refers to it sees the next one, too.
  [[nodiscard]] const funding::FundingTransaction& transaction() const { return *transaction_; }
  /// What is paid beside the channels, as it stands.
  [[nodiscard]] std::vector<ledger::PaymentRecord> payments() const;
  /// The same for the ledger.
  [[nodiscard]] ledger::FundingPlan plan() const;

 private:
  void use_given(lightningd::Reply<void> then);
  void propose_given(lightningd::Reply<void> then);
  void reserved(util::Result<wallet::Proposal> proposal, lightningd::Reply<void> then);
  void refused(const util::Error& error, lightningd::Reply<void> then);
  void funded(wallet::Proposal proposal, lightningd::Reply<void> then);
  [[nodiscard]] wallet::Payees payees() const;
  [[nodiscard]] util::Result<void> check_cost(const wallet::Proposal& proposal) const;
  [[nodiscard]] bool anchors_negotiated() const;

  peers::BatchContext& context_;
  roster::Roster& roster_;
  const request::Request& request_;
  std::optional<report::Details>& details_;
  const std::int64_t begun_;  ///< Unix time
  wallet::Asking asking_;
  std::optional<given::GivenCoins> given_;  ///< in place of the wallet's
  checks::CoinLook coin_look_;
  wallet::Choice choice_;
  std::optional<wallet::Proposal> proposal_;
  roster::Peers peers_;
  std::optional<funding::FundingTransaction> transaction_;
};

}  // namespace batch
