#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "context/calls.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/gate.hpp"
#include "wallet/holds.hpp"
#include "wallet/txprepare_dry_run.hpp"

namespace wallet {

/// Holds the inputs that a batch has reserved, extends their reservation and releases them. Records every effect in
/// the ledger when it is sent. Owned by a batch, or by what undoes or settles it, and runs in its scope.
class Holding {
 public:
  /// Writes the ledger to the journal, as it is or as it is going to be.
  using Save = util::Function<void(const ledger::Ledger&, lightningd::Reply<void>)>;

  Holding(context::Calls calls, ledger::Book& book, std::shared_ptr<ledger::Ledger> ledger, Save save);
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

  [[nodiscard]] const std::shared_ptr<ledger::Ledger>& ledger() const { return ledger_; }
  void save(lightningd::Reply<void> then) { save_(*ledger_, std::move(then)); }

  /// Which inputs must be there.
  enum class Need {
    all,
    unspent,  ///< a spent one does not matter
    none,     ///< nor one that another program has reserved: each of the others is held all the same
  };
  /// The needed input that another program has reserved or spent meanwhile, if any.
  using Taken = std::optional<bitcoin::Outpoint>;

  /// Checks that every input still is reserved by us. lightningd frees the inputs of a withheld
  /// channel that it drops, and reservations lapse: those are reserved again.
  void hold(Need need, lightningd::Reply<Taken> then);
  /// As hold(); and what ends within `reservation_margin` blocks gets `longer_reservation` more: for as long as it
  /// takes.
  void keep(Need need, lightningd::Reply<Taken> then);
  /// Before a channel of the batch is closed, by which lightningd frees all its inputs, whoever has reserved them:
  /// as hold() with those that are unspent, so that nobody else can reserve one meanwhile. One at a time: the next may
  /// come when `pass` is gone.
  using Closing = util::Function<void(util::Result<Taken> taken, spark::Gate::Pass pass)>;
  void before_closing(Closing then);
  /// From now on nothing that lapsed is reserved again: a call that was sent before may still do so, and what comes
  /// late beside another would stay reserved.
  void wait_for_answers() { waits_for_answers_ = true; }

  /// Notes in the ledger what extend() will do.
  void announce_extension();
  /// Adds `longer_reservation` blocks, once. To be called right after hold(): what another program has taken
  /// in between is given back to them.
  void extend(lightningd::Reply<Taken> then);

  /// Gives back what still is ours; never touches an input that another program has reserved
  /// meanwhile. Tells whether there was anything; an error when something stays reserved.
  void release(lightningd::Reply<bool> then);
  /// Likewise some of the inputs, while the others stay reserved. What another program has by now is none of the
  /// batch's any more.
  void release(std::vector<bitcoin::Outpoint> inputs, lightningd::Reply<void> then);

 private:
  using Outputs = std::vector<lightningd::WalletOutput>;
  using Reservations = std::vector<lightningd::Reservation>;
  /// Notes in the record whether lightningd has freed the inputs.
  using Note = util::Function<void(ledger::ReservationRecord& record, bool freed)>;

  [[nodiscard]] Holds holds(const Outputs& outputs) const;

  void reserve_free(const Outputs& outputs, lightningd::Reply<Taken> then);
  void reserve_again(const std::vector<bitcoin::Outpoint>& inputs, lightningd::Reply<Taken> then);
  void claim_all_inputs();

  [[nodiscard]] bool extended() const;
  void look_at_end(lightningd::Reply<Taken> then);
  [[nodiscard]] bool ends_soon(const Outputs& outputs, std::uint32_t height) const;
  [[nodiscard]] bool holds_plainly(const Outputs& outputs) const;
  void extend_held(const Outputs& outputs, lightningd::Reply<Taken> then);
  void add(const std::vector<bitcoin::Outpoint>& inputs, std::uint32_t blocks, lightningd::Reply<Taken> then);
  void give_back(const std::vector<bitcoin::Outpoint>& foreign, std::uint32_t blocks, lightningd::Reply<Taken> then);

  void release_ours(const Outputs& outputs, lightningd::Reply<bool> then);
  void release_these(const std::vector<bitcoin::Outpoint>& inputs, const Outputs& outputs,
                     lightningd::Reply<void> then);
  void disown(std::vector<bitcoin::Outpoint> inputs, lightningd::Reply<void> then);
  void unreserve(const std::vector<bitcoin::Outpoint>& inputs, std::uint32_t blocks, Note note,
                 lightningd::Reply<void> then);

  context::Calls calls_;
  ledger::Book& book_;
  std::shared_ptr<ledger::Ledger> ledger_;
  Save save_;
  spark::Gate closing_;
  bool waits_for_answers_ = false;
  std::unique_ptr<TxprepareDryRun> dry_run_;  ///< what is left of it is discarded before the inputs are released
};

}  // namespace wallet
