#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "context/calls.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "wallet/holding.hpp"
#include "wallet/proposal.hpp"
#include "wallet/txprepare_dry_run.hpp"

namespace wallet {

/// Asks the wallet to pay a batch: reserves inputs (the dry run), and proposes a transaction on the same inputs for
/// other payees. Records in the ledger what it reserves when it is sent. For a preview it asks the same, and reserves
/// nothing. Owned by a batch's Funding or by a Preview, and runs in the same scope.
class Asking {
 public:
  /// For a preview: reserves nothing.
  explicit Asking(context::Calls calls) : calls_(std::move(calls)) {}
  /// For a batch. `holding` has its ledger, and gives back what is not wanted.
  Asking(context::Calls calls, ledger::Book& book, Holding& holding);
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  /// The dry run: proves that the wallet can pay and reserves the inputs for `first_reservation`
  /// blocks. Errors: those of fundpsbt and utxopsbt (301, 304, 313, -32602).
  void propose(const Choice& choice, const Payees& payees, lightningd::Reply<Proposal> then);
  /// The same inputs for other payees, of a batch; they never become free in between.
  void repropose(const Payees& payees, lightningd::Reply<Proposal> then);

 private:
  void fund(const Payees& payees, Round round, std::vector<bitcoin::Outpoint> coins, lightningd::Reply<Proposal> then);
  void reserve(lightningd::FundParams params, const Choice& choice, lightningd::Reply<lightningd::Funded> then);
  void prepare(TxprepareDryRun::Wanted wanted, lightningd::Reply<lightningd::Funded> then);
  void funded(const Payees& payees, Round round, lightningd::Reply<Proposal> then,
              const util::Result<lightningd::Funded>& answer);
  void ask_again(Reading reading, lightningd::Reply<Proposal> then);
  void survey(const Payees& payees, const util::Error& error, lightningd::Reply<Proposal> then);
  [[nodiscard]] lightningd::Reply<Proposal> left_out(Reading& reading, lightningd::Reply<Proposal> then);
  void leave_out(Reading reading, lightningd::Reply<Proposal> then);
  void give_back(std::vector<bitcoin::Outpoint> coins, lightningd::Reply<void> then);
  void give_all_back(lightningd::Reply<void> then);
  void note(const std::string& text) const;

  context::Calls calls_;
  ledger::Book* const book_ = nullptr;
  Holding* const holding_ = nullptr;  ///< none: nothing is reserved
  const std::shared_ptr<ledger::Ledger> ledger_;
  Choice choice_;
  bitcoin::Sat least_change_;  ///< beside coins that were left out
  std::unique_ptr<TxprepareDryRun> dry_run_;
};

}  // namespace wallet
