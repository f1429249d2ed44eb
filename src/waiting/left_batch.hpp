#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chain/chain_look.hpp"
#include "context/calls.hpp"
#include "journal/journal.hpp"
#include "ledger/ledger.hpp"
#include "peers/process.hpp"
#include "report/batch_report.hpp"
#include "wallet/holding.hpp"

namespace waiting {

/// A batch that its command has left: what is shared by all that bring it to its end. Owned by the Settlement, in whose
/// scope its calls are; Impossibility and RecordUndo refer to it.
class LeftBatch {
 public:
  LeftBatch(const peers::Process& process, context::Calls calls, journal::Kept kept, report::BatchReport report);
  LeftBatch(const LeftBatch&) = delete;
  LeftBatch& operator=(const LeftBatch&) = delete;

  const peers::Process process;
  const context::Calls calls;
  const std::shared_ptr<ledger::Ledger> ledger;  ///< the batch's own: late replies still change it
  const std::shared_ptr<journal::Journal> journal;
  report::BatchReport report;
  spark::Duration quiet_at{};  ///< until then lost calls may be carried out
  bool ending = false;         ///< it is not to be stopped between two steps, or is stopped

  [[nodiscard]] chain::ChainLook chain() const { return chain::ChainLook(calls.client); }
  /// Logs it and adds it to the report, unless that says so last.
  void note(const std::string& text);
  /// Tells other plugins that it is in doubt.
  void announce() const { process.announcer.tell(report); }
  /// Tells them how it ends. The report says so itself only when the record is gone.
  void announce_end(bool opened) const;
  /// Shows which peers have no channel any more; in words, or nothing when all are there.
  [[nodiscard]] std::string tell_gone(const std::vector<lightningd::PeerChannel>& channels);
  /// That all of them were opened, whoever has a channel still.
  void tell_all_there();
  /// Whether the user has sent his transaction after all, of a batch that is being given up: then it waits again.
  void look_for_broadcast(lightningd::Reply<bool> then);
  /// Why it cannot be aborted now; nothing when it can.
  [[nodiscard]] std::optional<std::string> why_not_abort() const;
  /// Whether a fundchannel_cancel without an answer may still take a channel of the transaction, which then must not be
  /// sent.
  [[nodiscard]] bool is_being_cancelled() const;
  /// A sendpsbt that was lost with its connection may be carried out for a while from now on, unless that time runs
  /// already. To be called before may_still_be_sent() is asked: by each look, and when sendpsbt has failed.
  void wait_for_lost_send();
  /// Whether lightningd may carry out sendpsbt still: it has not answered, or has lost the connection on which it was
  /// asked just now.
  [[nodiscard]] bool may_still_be_sent() const;
  /// Writes the ledger to the journal.
  void save(lightningd::Reply<void> then);
  /// Holding::keep() of all inputs, or of whatever can be kept: it may take days until bitcoind wants the transaction,
  /// or the user says what to do.
  void keep_coins(lightningd::Reply<wallet::Holding::Taken> then);
  void keep_rest(lightningd::Reply<void> then);
  /// For a call that changes its reservations, as long as that still may be carried out.
  [[nodiscard]] bool must_wait() { return must_wait(ledger->reservation, waits_since_); }
  /// The same for another record of them; `since` is what this remembers of it.
  [[nodiscard]] bool must_wait(const ledger::ReservationRecord& reservation,
                               std::optional<spark::Duration>& since) const;
  [[nodiscard]] std::string label() const { return ledger::label_of(report.id); }

 private:
  void make_holding();

  std::unique_ptr<wallet::Holding> holding_;
  std::optional<spark::Duration> waits_since_;
};

}  // namespace waiting
