#pragma once

#include <cstdint>
#include <memory>
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
/// other payees. Records in the ledger what it reserves when it is sent. Owned by a batch's Funding, and runs in the
/// batch's scope.
class Asking {
 public:
  /// `holding` has the batch's ledger, and gives back what is not wanted.
  Asking(context::Calls calls, ledger::Book& book, Holding& holding);
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  /// How to choose inputs.
  struct Choice {
    bitcoin::Perkw feerate;
    std::uint32_t minconf = 1;
    std::vector<bitcoin::Outpoint> utxos;  ///< exactly these, when has_utxos
    bool has_utxos = false;
    bool anchor_channel = false;  ///< the wallet's emergency reserve must stay
  };

  /// The dry run: proves that the wallet can pay and reserves the inputs for `first_reservation`
  /// blocks. Errors: those of fundpsbt and utxopsbt (301, 304, 313, -32602).
  void reserve(const Choice& choice, const Payees& payees, lightningd::Reply<Proposal> then);
  /// The same inputs for other payees; they never become free in between.
  void repropose(const Payees& payees, lightningd::Reply<Proposal> then);

 private:
  void fund(const Payees& payees, Round round, lightningd::Reply<Proposal> then);
  void prepare(TxprepareDryRun::Wanted wanted, lightningd::Reply<lightningd::Funded> then);
  void funded(const Payees& payees, Round round, lightningd::Reply<Proposal> then,
              const util::Result<lightningd::Funded>& answer);
  void ask_again(Reading reading, lightningd::Reply<Proposal> then);
  void survey(const Payees& payees, const util::Error& error, lightningd::Reply<Proposal> then);
  [[nodiscard]] lightningd::Reply<Proposal> left_out(Reading& reading, lightningd::Reply<Proposal> then);
  void leave_out(Reading reading, lightningd::Reply<Proposal> then);

  context::Calls calls_;
  ledger::Book& book_;
  Holding& holding_;
  const std::shared_ptr<ledger::Ledger> ledger_;
  Choice choice_;
  std::vector<bitcoin::Outpoint> worthy_;  ///< of a survey
  bitcoin::Sat least_change_;              ///< beside coins that were left out
  std::unique_ptr<TxprepareDryRun> dry_run_;
};

}  // namespace wallet
