#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "context/calls.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "request/request.hpp"
#include "spark/gate.hpp"
#include "spark/scope.hpp"
#include "wallet/holds.hpp"
#include "wallet/proposal.hpp"
#include "wallet/txprepare_dry_run.hpp"

namespace wallet {

/// The wallet's side of a batch: reserving inputs (the dry run), proposing a transaction on the same
/// inputs for other payees, holding and releasing the reservation. Records every effect in the
/// ledger when it is sent. Owned by a batch or by the undo that follows it, and runs in its scope.
class Coins {
 public:
  /// Writes the ledger to the journal before something is reserved.
  using Save = util::Function<void(lightningd::Reply<void>)>;

  Coins(context::Calls calls, ledger::Book& book, std::shared_ptr<ledger::Ledger> ledger, Save save);
  ~Coins();
  Coins(const Coins&) = delete;
  Coins& operator=(const Coins&) = delete;

  [[nodiscard]] const std::shared_ptr<ledger::Ledger>& ledger() const { return ledger_; }

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
  /// The input that another program has reserved or spent meanwhile, if any.
  using Taken = std::optional<bitcoin::Outpoint>;

  /// Notes in the ledger what extend() will do.
  void announce_extension();
  /// Adds `longer_reservation` blocks, once. To be called right after hold(): what another program has taken
  /// in between is given back to them.
  void extend(lightningd::Reply<Taken> then);
  /// Checks that every input still is reserved by us. lightningd frees the inputs of a withheld
  /// channel that it drops, and reservations lapse: those are reserved again.
  void hold(lightningd::Reply<Taken> then);
  /// As hold(); and what ends within `reservation_margin` blocks gets `longer_reservation` more: for as long as it
  /// takes.
  void keep(lightningd::Reply<Taken> then);
  /// As keep(), for whatever can be kept: an input that is spent, or that another program has reserved, keeps no other
  /// from being held.
  void keep_rest(lightningd::Reply<void> then);
  /// Before a channel of the batch is closed, by which lightningd frees all its inputs, whoever has reserved them:
  /// as hold(), so that nobody else can reserve one meanwhile; spent ones do not matter. One at a time: the next may
  /// come when `pass` is gone.
  using Closing = util::Function<void(util::Result<Taken> taken, spark::Gate::Pass pass)>;
  void before_closing(Closing then);
  /// Gives back what still is ours; never touches an input that another program has reserved
  /// meanwhile. Tells whether there was anything; an error when something stays reserved.
  void release(lightningd::Reply<bool> then);

 private:
  using Outputs = std::vector<lightningd::WalletOutput>;

  void fund(const Payees& payees, Round round, lightningd::Reply<Proposal> then);
  void prepare(TxprepareDryRun::Wanted wanted, lightningd::Reply<lightningd::Funded> then);
  void funded(const Payees& payees, Round round, lightningd::Reply<Proposal> then,
              const util::Result<lightningd::Funded>& answer);
  void survey(const Payees& payees, const util::Error& error, lightningd::Reply<Proposal> then);
  [[nodiscard]] lightningd::Reply<Proposal> left_out(Reading& reading, lightningd::Reply<Proposal> then);
  void leave_out(Reading reading, lightningd::Reply<Proposal> then);
  void drop(std::vector<bitcoin::Outpoint> inputs, lightningd::Reply<void> then);
  void disown(std::vector<bitcoin::Outpoint> inputs, lightningd::Reply<void> then);
  void unreserve(std::vector<bitcoin::Outpoint> inputs, lightningd::Reply<void> then);
  void ask_again(Reading reading, lightningd::Reply<Proposal> then);
  void reserve_again(const util::SharedText& psbt, std::uint32_t blocks, lightningd::Reply<void> then);
  void add(const std::vector<bitcoin::Outpoint>& inputs, std::uint32_t blocks, lightningd::Reply<Taken> then);
  void look_at_end(lightningd::Reply<Taken> then);
  [[nodiscard]] bool ends_soon(const Outputs& outputs, std::uint32_t height) const;
  [[nodiscard]] bool holds_plainly(const Outputs& outputs);
  void extend_held(const Outputs& outputs, lightningd::Reply<Taken> then);
  void claim_all_inputs();
  void give_back(const std::vector<bitcoin::Outpoint>& foreign, std::uint32_t blocks, lightningd::Reply<Taken> then);
  [[nodiscard]] bool extended() const;
  /// As hold(), but spent inputs do not matter.
  void hold_unspent(lightningd::Reply<Taken> then);
  void hold_unspent(const Outputs& outputs, lightningd::Reply<Taken> then);
  void reserve_free(const Outputs& outputs, lightningd::Reply<Taken> then);
  void reserve_lost(std::vector<bitcoin::Outpoint> lost, lightningd::Reply<Taken> then);
  void release_now(lightningd::Reply<bool> then);
  [[nodiscard]] Hold hold_of(const lightningd::WalletOutput& output) const;
  [[nodiscard]] std::map<bitcoin::Outpoint, Hold> holds(const Outputs& outputs) const;
  void release_ours(lightningd::Reply<bool> then, const Outputs& outputs);
  void listfunds(lightningd::Reply<Outputs> then);

  context::Calls calls_;
  ledger::Book& book_;
  std::shared_ptr<ledger::Ledger> ledger_;
  Choice choice_;
  std::vector<bitcoin::Outpoint> worthy_;  ///< of a survey
  bitcoin::Sat least_change_;              ///< beside coins that were left out
  Save save_;
  spark::Gate closing_;
  std::unique_ptr<TxprepareDryRun> dry_run_;
};

}  // namespace wallet
