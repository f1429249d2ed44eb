#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "journal/journal.hpp"
#include "lightningd/client.hpp"
#include "peers/process.hpp"
#include "recovery/impossibility.hpp"
#include "recovery/record_undo.hpp"
#include "recovery/resending.hpp"
#include "report/batch_report.hpp"
#include "sending/policies.hpp"
#include "spark/scope.hpp"
#include "waiting/left_batch.hpp"
#include "waiting/waiting.hpp"
#include "waiting/waiting_words.hpp"

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
///   it waits for its user                                 -> Waiting
///   not yet ready to be sent, else                        -> undo
///
/// What pays less than the mempool's floor is signed but not sent, and tried again after long pauses.
/// What bitcoind refuses when it is sent again is kept as `refused`, and tried again after long pauses: another node
/// may have it.
///
/// Once the user aborts it, its own transaction is not sent any more, and Impossibility sees to it that it never
/// confirms.
///
/// Repeats with growing pauses until the record can be removed. Owned by the LeftBatches.
class Settlement final : private waiting::Waiting::Owner, private Resending::Owner {
 public:
  Settlement(const peers::Process& process, lightningd::Client client, journal::Kept kept, report::BatchReport report);
  Settlement(const Settlement&) = delete;
  Settlement& operator=(const Settlement&) = delete;

  /// Call once. `looked` comes when the first attempt is over, `settled` when the record is gone; both
  /// from the ready queue or a reply, and `settled` may destroy this.
  void run(spark::Duration delay, util::Function<void()> looked, util::Function<void()> settled);
  /// Ends it where it stands: it sends and undoes nothing any more, and `settled` does not come.
  void stop();
  /// At the end of the process: whoever waits for it is answered.
  void leave() {
    batch_.ending = true;
    waiting_.stop(util::Error{-1, "the plugin ends", {}});
  }

  /// A block came: a batch that waits for its user is looked at.
  void block_added() {
    const bool looked = attempts_ > 1;  // until the first look lightningd carries out what a killed process has written
    if (looked && waiting_.applies() && !waiting_.is_busy() && !batch_.ending) attempt();
  }
  /// For multifundchannel-finish, and for aborting a batch that waits.
  [[nodiscard]] waiting::Waiting* waiting() { return waiting_.applies() && !batch_.ending ? &waiting_ : nullptr; }

  /// Whether multifundchannel-finish has begun to send the wallet's own transaction, which waited.
  [[nodiscard]] bool was_finished() const {
    return ledger_->phase == ledger::BatchPhase::sending && ledger_->plan && ledger_->plan->waits_since > 0 &&
           !ledger_->abort;
  }
  /// For a caller who finishes that once more: what becomes of it.
  void finish_again(lightningd::Reply<std::string> then) {
    if (scope_.ended()) return then(waiting::busy());
    waiting_.join(std::move(then));
    if (out_) return waiting_.answer({});
    if (pausing_) attempt();
  }

  /// Why it cannot be aborted now; nothing when it can.
  [[nodiscard]] std::optional<std::string> why_not_abort() {
    batch_.wait_for_lost_send();  // a pass may be far off
    return batch_.why_not_abort();
  }

  /// Whether its transaction was seen to be out, though what is left may still be undone.
  [[nodiscard]] bool opened() const { return opened_ || was_out_; }

  [[nodiscard]] const report::BatchReport& report() const { return batch_.report; }
  [[nodiscard]] const std::shared_ptr<ledger::Ledger>& ledger() const { return batch_.ledger; }
  [[nodiscard]] const std::shared_ptr<journal::Journal>& journal() const { return batch_.journal; }

 private:
  using Channels = std::vector<lightningd::PeerChannel>;

  void attempt() override;
  void attempt_after(spark::Duration pause);
  void look();
  void judge(const Channels& channels) override;
  void undo_unsent(bool all_withheld);
  void not_complete(const std::string& what, bool never_sent) override { not_complete(what, never_sent, false); }
  /// `ask_bitcoind`: that nothing was sent does not show without its answer.
  void not_complete(const std::string& what, bool never_sent, bool ask_bitcoind);
  void refused(const std::string& why) override;
  void stop_sending(const std::string& why);
  void sent() override;
  void judged_by_chain(Impossibility::Outcome outcome, const std::string& why);
  void impossible();
  void undo();
  void undone();
  void remove();
  void retry(const std::string& why) { retry(why, report::BatchState::settling); }
  void retry(const std::string& why, report::BatchState state) override;
  void looked();

  spark::Scope scope_;
  waiting::LeftBatch batch_;
  const context::Calls& calls_;                    ///< the batch's
  const std::shared_ptr<ledger::Ledger>& ledger_;  ///< the batch's
  spark::Duration pause_;
  util::Function<void()> looked_;
  util::Function<void()> settled_;
  sending::Policies policies_;
  Impossibility impossibility_;
  RecordUndo record_undo_;
  Resending resending_;
  waiting::Waiting waiting_;
  std::uint64_t attempts_ = 0;  ///< that were planned or begun: only the last one counts
  bool pausing_ = false;        ///< until the next attempt
  bool impossible_ = false;     ///< its transaction; channels and inputs are removed
  bool out_ = false;            ///< its transaction; what is left is to undo the rest, and to remove the record
  bool was_out_ = false;        ///< once; until it is impossible
  bool opened_ = false;
};

}  // namespace recovery
