#include "recovery/settlement.hpp"

#include <algorithm>
#include <utility>

#include "sending/found_channels.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace recovery {

using ledger::BatchPhase;
using report::BatchState;
using util::Error;
using util::Result;
using util::str;

Settlement::Settlement(const peers::Process& process, lightningd::Client client, journal::Kept kept,
                       report::BatchReport report)
    : scope_(process.runtime,
             [this](const Error& error) { util::error(batch_.label(), ": settling ended: ", error.message); }),
      batch_(process, {scope_, std::move(client), process.settings}, std::move(kept), std::move(report)),
      calls_(batch_.calls),
      ledger_(batch_.ledger),
      pause_(process.settings.settle_pause),
      policies_(scope_, calls_.client, ledger_, batch_.label()),
      impossibility_(batch_),
      record_undo_(batch_),
      resending_(batch_, *this),
      waiting_(batch_, *this) {}

void Settlement::run(spark::Duration delay, util::Function<void()> looked, util::Function<void()> settled) {
  looked_ = std::move(looked);
  settled_ = std::move(settled);
  batch_.quiet_at = batch_.process.runtime.now() + calls_.settings.settle_quiet;
  attempt_after(delay);
}

void Settlement::stop() {
  batch_.ending = true;
  waiting_.stop(Error{-1, "it is taken over by another command", {}});
  out_ = opened_ = pausing_ = false;
  record_undo_.stop();
  scope_.end();
  looked();
}

void Settlement::attempt() {
  if (waiting_.is_busy()) return;  // the phase may not be on disk yet; it ends in retry(), attempt() or sent()
  ++attempts_;
  pausing_ = false;
  if (waiting_.applies()) {
    waiting_.look();
  } else if (ledger_->abort) {
    impossibility_.abort([this](auto outcome, const auto& why) { judged_by_chain(outcome, why); });
  } else if (ledger_->phase == BatchPhase::sending || ledger_->plan) {
    look();
  } else {
    undo();
  }
}

// --- Ready to be sent when it was left, or at least told to the peers ---

// An older record may have been put back: the phase says what the batch had reached at least.
void Settlement::look() {
  auto listed = [this](const Result<Channels>& channels) {
    if (!channels) return retry(channels.error().message);
    auto judged = [this, channels = *channels](const Result<bool>& known) {
      if (!known) return retry(known.error().message);
      if (*known) return sent();
      judge(channels);
    };
    batch_.chain().is_recorded(ledger_->plan->txid, calls_.local<bool>("listtransactions", std::move(judged)));
  };
  calls_.client.listpeerchannels(std::nullopt, calls_.local<Channels>("listpeerchannels", std::move(listed)));
}

void Settlement::judge(const Channels& channels) {
  const sending::FoundChannels found = sending::find_channels(*ledger_, channels);
  const bool never_sent = batch_.process.node.withhold && found.all_withheld;
  if (found.locked_in) return sent();
  batch_.wait_for_lost_send();
  if (batch_.may_still_be_sent()) return retry("lightningd has not answered sendpsbt yet");
  if (ledger_->phase != BatchPhase::sending) return undo_unsent(found.all_withheld);
  if (batch_.is_being_cancelled()) return retry("lightningd has not answered fundchannel_cancel yet");
  if (found.present == found.wanted) return resending_.run(never_sent);
  not_complete(str(found.wanted - found.present, " of ", found.wanted, " channels are gone"), never_sent, !found.shown);
}

// Only sendpsbt releases a channel that was withheld.
void Settlement::undo_unsent(bool all_withheld) {
  if (all_withheld && ledger_->plan->is_users) {
    return batch_.look_for_broadcast([this](const Result<bool>& found) {
      if (found && !*found) return undo();
      retry(found ? "its user has sent it: it waits again" : found.error().message);
    });
  }
  if (all_withheld || !ledger_->plan->withheld) return undo();
  not_complete("a channel is released, although its record says that nothing was signed", false);
}

// It cannot be sent any more, unless it was: the input may be spent by it. Any of its outputs tells.
void Settlement::not_complete(const std::string& what, bool never_sent, bool ask_bitcoind) {
  auto judged = [this, what, never_sent, ask_bitcoind](const Result<bool>& unspent) {
    if (unspent && *unspent) return sent();
    if (!unspent && ask_bitcoind) return retry(unspent.error().message);
    if (never_sent) return stop_sending(what);
    impossibility_.look_for_rival(what, [this](auto outcome, const auto& why) { judged_by_chain(outcome, why); });
  };
  batch_.chain().is_unspent(ledger_->first_funding(), calls_.local<bool>("getutxout", std::move(judged)));
}

void Settlement::refused(const std::string& why) {
  pause_ = calls_.settings.longest_settle_pause;
  retry(str(why, "; to give it up: multifundchannel-abort ", batch_.report.id), BatchState::refused);
}

// Proven: nothing was broadcast. The record must say so before anything is undone.
void Settlement::stop_sending(const std::string& why) {
  batch_.note(why + "; nothing was sent: undoing the rest");
  const auto sending = ledger_->sending;
  ledger_->given_up();
  ledger_->proven_unsent();
  batch_.save([this, sending, why](const Result<void>& saved) {
    if (saved) {
      waiting_.answer(Error{-1, why + "; nothing was sent, and all of it will be undone", {}}, true);
      return undo();
    }
    ledger_->not_given_up(sending);  // as the record may say still
    retry(saved.error().message);
  });
}

// It is on its way or confirmed. Peers that had dropped out before may still have an opening.
void Settlement::sent() {
  ++attempts_;
  waiting_.answer({});
  out_ = was_out_ = batch_.ending = true;
  pausing_ = false;
  ledger_->counts_as_sent();
  batch_.announce_end(true);
  policies_.apply(calls_.settings.cleanup_timeout, [this] {
    batch_.report.take_policies(*ledger_);
    undo();
  });
}

// --- Proven to be impossible, or not ---

void Settlement::judged_by_chain(Impossibility::Outcome outcome, const std::string& why) {
  switch (outcome) {
    case Impossibility::Outcome::impossible:
      return impossible();
    case Impossibility::Outcome::sent:
      return sent();
    case Impossibility::Outcome::later:
      return retry(why, ledger_->abort ? BatchState::aborting : BatchState::unsettled);
  }
}

// That the transaction counts as sent keeps the undo off the channels that lightningd does not cancel.
void Settlement::impossible() {
  impossible_ = true;
  was_out_ = false;
  waiting_.answer(Error{-1, "batch: its transaction never confirms, and all of it is undone", {}}, true);
  ledger_->counts_as_sent();
  batch_.process.announcer.never_confirms(batch_.report.id);
  undo();  // peers that had dropped out before may still have an opening
}

// --- Its way from the record to nothing ---

void Settlement::undo() {
  record_undo_.run([this](const Result<void>& none) { none ? undone() : retry(none.error().message); });
}

void Settlement::undone() {
  const auto now = scope_.runtime().now();
  if (now >= batch_.quiet_at) return remove();
  looked();
  scope_.after(batch_.quiet_at - now, [this] { undo(); });
}

void Settlement::remove() {
  if (!impossible_ && ledger_->any_policy_pending()) return retry("the policy of a channel is not set yet");
  opened_ = ledger_->sending && !impossible_;
  batch_.announce_end(opened_);
  batch_.journal->remove(scope_, [this](const Result<void>& removed) {
    if (!removed) return retry(removed.error().message);
    if (opened_) batch_.report.take_policies(*ledger_);
    opened_ ? batch_.report.opened() : batch_.report.undone(BatchState::undone);
    batch_.note(str("settled: ", name_of(batch_.report.state)));
    opened_ ? waiting_.answer({}) : waiting_.answer(Error{-1, "batch: all of it is undone", {}}, true);
    looked();
    scope_.end();
    scope_.runtime().post(std::move(settled_));
  });
}

// --- Again ---

void Settlement::attempt_after(spark::Duration pause) {
  pausing_ = true;
  scope_.after(pause, [this, attempt = ++attempts_] {
    if (attempt == attempts_) this->attempt();
  });
}

void Settlement::looked() {
  if (looked_) scope_.runtime().post(std::exchange(looked_, nullptr));
}

void Settlement::retry(const std::string& why, BatchState state) {
  waiting_.answer(Error{-1, why, {}});
  batch_.report.state = state;
  out_ = batch_.ending = false;
  batch_.note(why);
  if (ledger_->phase == BatchPhase::sending || state == BatchState::unsettled) batch_.announce();
  looked();
  attempt_after(pause_);
  pause_ = std::min(2 * pause_, calls_.settings.longest_settle_pause);
}

}  // namespace recovery
