#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/policies.hpp"
#include "batch/undo.hpp"
#include "context/calls.hpp"
#include "journal/journal.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "peers/node_facts.hpp"
#include "peers/process.hpp"
#include "recovery/abort.hpp"
#include "recovery/removal.hpp"
#include "report/batch_report.hpp"
#include "spark/scope.hpp"
#include "wallet/holding.hpp"

namespace recovery {

/// Settles one batch that nobody runs any more: one that was found in the journal at init, one whose
/// sendpsbt was not confirmed, or one that could not be undone at once. Goes by what lightningd shows:
///
///   transaction known, or a channel of it has locked in   -> done, but for the policies of its channels
///   ready to be sent, and every channel is there          -> sign and send (again)
///   ready to be sent, a channel is missing, all withheld  -> undo: nothing was ever broadcast
///   ready to be sent, an input is spent, six blocks deep  -> undo: it never confirms
///   ready to be sent, a channel is missing, else          -> unsettled: kept and shown, never acted on
///   not yet ready to be sent, a channel is released       -> unsettled: an older record was put back
///   not yet ready to be sent, else                        -> undo
///
/// What bitcoind refuses when it is sent again is kept as `refused`, and tried again after long pauses: another node
/// may have it.
///
/// Once the user aborts it, its own transaction is not sent any more, and Abort makes that impossible.
///
/// Repeats with growing pauses until the record can be removed. Owned by the Service.
class Settlement {
 public:
  Settlement(const peers::Process& process, lightningd::Client client, journal::Kept kept, report::BatchReport report);
  Settlement(const Settlement&) = delete;
  Settlement& operator=(const Settlement&) = delete;

  /// Call once. `looked` comes when the first attempt is over, `settled` when the record is gone; both
  /// from the ready queue or a reply, and `settled` may destroy this.
  void run(spark::Duration delay, util::Function<void()> looked, util::Function<void()> settled);
  /// Ends it where it stands: it sends and undoes nothing any more, and `settled` does not come.
  void stop();

  /// Why it cannot be aborted now; nothing when it can.
  [[nodiscard]] std::optional<std::string> why_not_abort() const;

  [[nodiscard]] const report::BatchReport& report() const { return report_; }
  [[nodiscard]] const std::shared_ptr<ledger::Ledger>& ledger() const { return ledger_; }
  [[nodiscard]] const std::shared_ptr<journal::Journal>& journal() const { return journal_; }

 private:
  using Channels = std::vector<lightningd::PeerChannel>;

  void attempt();
  void look();
  void judge(const Channels& channels);
  void undo_unsent(bool all_withheld);
  void send_again(bool never_sent);
  void make_coins();
  void keep_coins(lightningd::Reply<wallet::Holding::Taken> then);
  void keep_rest(lightningd::Reply<void> then);
  void not_complete(const std::string& what, bool never_sent);
  void prove_change(util::Function<void()> then);
  void sign();
  void check_channels(util::Function<void()> then);
  void send(const util::SharedText& signed_psbt);
  void abort();
  void abort_looked(Abort::Outcome outcome, const std::string& what);
  void send_abort();
  void record_abort();
  void look_for_rival(const std::string& what);
  void impossible(const std::string& why);
  void not_sent(const util::Error& error);
  void refused(const util::Error& error);
  [[nodiscard]] bool is_being_cancelled() const;
  void stop_sending(const std::string& why);
  void record_that_it_failed();
  void undo();
  void undone(bool clean);
  void keep_for_channel();
  void undid();
  void sent();
  void remove();
  void retry(const std::string& why, report::BatchState state = report::BatchState::settling);
  void note(const std::string& text);
  void looked();

  [[nodiscard]] bool must_wait(const ledger::ReservationRecord& reservation, std::optional<spark::Duration>& since);
  [[nodiscard]] bool in_flight() const;
  [[nodiscard]] std::string label() const;

  peers::Process process_;
  context::Calls calls_;
  std::shared_ptr<ledger::Ledger> ledger_;  ///< the batch's own: late replies still change it
  std::shared_ptr<journal::Journal> journal_;
  report::BatchReport report_;
  spark::Duration pause_;
  spark::Duration quiet_at_{};  ///< until then lost calls may be carried out
  util::Function<void()> looked_;
  util::Function<void()> settled_;

  spark::Scope scope_;
  batch::Policies policies_;
  std::unique_ptr<wallet::Holding> coins_;
  std::unique_ptr<Abort> abort_;
  std::unique_ptr<Removal> removal_;
  std::unique_ptr<batch::Undo> undo_;
  std::shared_ptr<ledger::Ledger> undoing_;    ///< the copy that `undo_` works on
  bool coins_wait_ = false;                     ///< they were left out of it
  bool abort_recorded_ = false;                 ///< by this
  bool impossible_ = false;                     ///< its transaction; channels and inputs are removed
  bool ending_ = false;                         ///< it is not to be stopped between two steps, or is stopped
  std::optional<spark::Duration> waits_since_;  ///< for a call that changes reservations
  std::optional<spark::Duration> undoing_waits_since_;
};

}  // namespace recovery
