#include "recovery/settlement.hpp"

#include <algorithm>
#include <utility>

#include "context/calls.hpp"
#include "journal/journal_format.hpp"
#include "psbt/psbt.hpp"
#include "sending/evidence.hpp"
#include "sending/found_channels.hpp"
#include "sending/own_script.hpp"
#include "sending/result.hpp"
#include "sending/send_psbt.hpp"
#include "sending/send_verdict.hpp"
#include "util/log.hpp"
#include "util/mutation.hpp"
#include "util/str.hpp"

namespace recovery {

using ledger::BatchPhase;
using lightningd::PeerChannel;
using report::BatchState;
using util::Error;
using util::Result;
using util::str;

Settlement::Settlement(const peers::Process& process, lightningd::Client client, journal::Kept kept,
                       report::BatchReport report)
    : process_(process),
      calls_{scope_, std::move(client), process.settings},
      ledger_(std::move(kept.ledger)),
      journal_(std::move(kept.journal)),
      report_(std::move(report)),
      pause_(process.settings.settle_pause),
      scope_(process.runtime,
             [this](const Error& error) { util::error(label(), ": settling ended: ", error.message); }),
      policies_(scope_, calls_.client, ledger_, label()) {
  report_.state = ledger_->abort ? BatchState::aborting : BatchState::settling;
}

void Settlement::run(spark::Duration delay, util::Function<void()> looked, util::Function<void()> settled) {
  looked_ = std::move(looked);
  settled_ = std::move(settled);
  quiet_at_ = process_.runtime.now() + calls_.settings.settle_quiet;
  scope_.after(delay, [this] { attempt(); });
}

void Settlement::stop() {
  ending_ = true;
  undo_.reset();
  scope_.end();
  looked();
}

void Settlement::attempt() {
  if (ledger_->abort) {
    abort();
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
    calls_.client.is_transaction_known(ledger_->plan->txid, calls_.local<bool>("listtransactions", std::move(judged)));
  };
  calls_.client.listpeerchannels(std::nullopt, calls_.local<Channels>("listpeerchannels", std::move(listed)));
}

void Settlement::judge(const Channels& channels) {
  const sending::FoundChannels found = sending::find_channels(*ledger_, channels);
  const bool never_sent = process_.node.withhold && found.all_withheld;
  if (found.locked_in) return sent();
  if (ledger_->send_in_flight) return retry("lightningd has not answered sendpsbt yet");
  if (ledger_->phase != BatchPhase::sending) return undo_unsent(found.all_withheld);
  if (is_being_cancelled()) return retry("lightningd has not answered fundchannel_cancel yet");
  if (found.present == found.wanted || util::mutated("settles-without-all-channels")) return send_again(never_sent);
  not_complete(str(found.wanted - found.present, " of ", found.wanted, " channels are gone"), never_sent);
}

// Only sendpsbt releases a channel that was withheld.
void Settlement::undo_unsent(bool all_withheld) {
  if (all_withheld || !ledger_->plan->withheld) return undo();
  not_complete("a channel is released, although its record says that nothing was signed", false);
}

// The commitments of all peers are secured. The inputs must still be ours.
void Settlement::send_again(bool never_sent) {
  if (must_wait(ledger_->reservation, waits_since_)) return retry("lightningd has not answered reserveinputs yet");
  // Only what is impossible has been freed with its channels still there.
  if (!ledger_->reservation.held()) return not_complete("its inputs are free already", never_sent);
  keep_coins([this, never_sent](const Result<wallet::Holding::Taken>& taken) {
    if (!taken) return retry(taken.error().message);
    if (!*taken) return prove_change([this] { check_channels([this] { sign(); }); });
    not_complete(str("input ", (*taken)->str(), " is spent, or another program has reserved it"), never_sent);
  });
}

// It may take days until bitcoind wants it, or the user says what to do.
void Settlement::keep_coins(lightningd::Reply<wallet::Holding::Taken> then) {
  make_coins();
  coins_->keep(wallet::Holding::Need::all, std::move(then));
}

void Settlement::make_coins() {
  auto save = [this](lightningd::Reply<void> saved) { journal_->save(scope_, *ledger_, std::move(saved)); };
  coins_ = std::make_unique<wallet::Holding>(calls_, process_.book, ledger_, std::move(save));
}

// It cannot be sent any more, unless it was: the input may be spent by it. Any of its outputs tells.
void Settlement::not_complete(const std::string& what, bool never_sent) {
  const auto outnum = *std::find_if(ledger_->plan->outnums.begin(), ledger_->plan->outnums.end(),
                                    [](const auto& number) { return number.has_value(); });
  auto judged = [this, what, never_sent](const Result<bool>& unspent) {
    if (unspent && *unspent) return sent();
    if (never_sent) return stop_sending(what);
    look_for_rival(what);
  };
  calls_.client.is_unspent({ledger_->plan->txid, *outnum}, calls_.local<bool>("getutxout", std::move(judged)));
}

// That of a record; in a batch that ran in this process lightningd has proposed it just now. Where lightningd cannot be
// asked (before v24.11), the record is believed.
void Settlement::prove_change(util::Function<void()> then) {
  if (!ledger_->plan->change || ledger_->plan->is_change_ours) return then();
  sending::ask_ownership(calls_, *ledger_->plan->change,
                         [this, then = std::move(then)](const Result<sending::Ownership>& ownership) mutable {
                           if (!ownership) return retry(ownership.error().message);
                           if (*ownership == sending::Ownership::foreign) {
                             return retry("the transaction is not signed: its change is not the wallet's",
                                          BatchState::unsettled);
                           }
                           ledger_->plan->is_change_ours = *ownership == sending::Ownership::ours;
                           then();
                         });
}

void Settlement::sign() {
  auto signed_psbt = [this](const Result<util::SharedText>& text) {
    if (!text) return retry(str("signpsbt: ", text.error().message));
    const auto psbt = psbt::Psbt::from_base64(**text);
    if (!psbt || psbt->txid() != ledger_->plan->txid) return retry("signpsbt answered another transaction");
    check_channels([this, final_psbt = util::share(psbt->base64(2))] { send(final_psbt); });
  };
  auto bare = psbt::Psbt::from_base64(*ledger_->plan->psbt);
  if (!bare) return retry(str("psbt: ", bare.error().message), BatchState::unsettled);
  bare->strip();  // what a map says of how to sign would be done
  calls_.client.signpsbt(util::share(bare->base64(0)), calls_.local<util::SharedText>("signpsbt", signed_psbt));
}

// A peer that sends an error makes lightningd drop a withheld channel at any moment.
void Settlement::check_channels(util::Function<void()> then) {
  auto listed = [this, then = std::move(then)](const Result<Channels>& channels) mutable {
    if (!channels) return retry(channels.error().message);
    const sending::FoundChannels found = sending::find_channels(*ledger_, *channels);
    if (found.present != found.wanted && !util::mutated("settles-without-all-channels")) return judge(*channels);
    const sending::Evidence evidence(*ledger_, ledger_->plan->psbt);
    const auto plain = evidence.check(*channels, sending::Evidence::Channels::withheld_or_released);
    if (!plain) return retry(plain.error().message, BatchState::unsettled);
    then();
  };
  calls_.fresh<Channels>(
      "listpeerchannels",
      [this](lightningd::Reply<Channels> reply) { calls_.client.listpeerchannels(std::nullopt, std::move(reply)); },
      std::move(listed));
}

void Settlement::send(const util::SharedText& signed_psbt) {
  ledger_->sending = ledger_->plan->txid;
  note(str("sending ", ledger_->plan->txid.hex()));
  auto answered = [this](const Result<lightningd::Sent>& answer) {
    if (answer) return sent();
    not_sent(answer.error());
  };
  sending::send_psbt(calls_.client, signed_psbt, calls_.settings, ledger_,
                     calls_.local<lightningd::Sent>("sendpsbt", std::move(answered)));
}

void Settlement::not_sent(const Error& error) {
  if (sending::verdict_on(error) == sending::SendVerdict::refused && process_.node.withhold) return refused(error);
  retry(str("sendpsbt: ", error.message));
}

// Nothing is taken back here: an earlier attempt may have ended in doubt, or the caller has sent the transaction by
// another node. Our bitcoind does not want it now, but another one may have it.
void Settlement::refused(const Error& error) {
  pause_ = calls_.settings.longest_settle_pause;
  retry(str("bitcoind refuses it: ", sending::refusal_text(error), "; to give it up: multifundchannel-abort ",
            report_.id),
        BatchState::refused);
}

/// A fundchannel_cancel without an answer may still take a channel of the transaction, which then must not be sent.
bool Settlement::is_being_cancelled() const {
  const auto& openings = ledger_->openings;
  const auto since = process_.runtime.now() - calls_.settings.lost_after;
  return std::any_of(openings.begin(), openings.end(),
                     [this, since](const auto& opening) { return process_.book.is_cancelling(opening->peer, since); });
}

// Proven: nothing was broadcast. The record must say so before anything is undone.
void Settlement::stop_sending(const std::string& why) {
  note(why + "; nothing was sent: undoing the rest");
  ledger_->phase = BatchPhase::completing;
  ledger_->sending.reset();
  journal_->save(scope_, *ledger_, [this](const Result<void>& saved) {
    if (!saved) return retry(saved.error().message);
    undo();
  });
}

// It is on its way or confirmed. Peers that had dropped out before may still have an opening.
void Settlement::sent() {
  ending_ = true;
  ledger_->sending = ledger_->plan->txid;
  policies_.apply(calls_.settings.cleanup_timeout, [this] {
    report_.take_policies(*ledger_);
    undo();
  });
}

// --- Again ---

void Settlement::retry(const std::string& why, BatchState state) {
  report_.state = state;
  ending_ = false;
  note(why);
  looked();
  scope_.after(pause_, [this] { attempt(); });
  pause_ = std::min(2 * pause_, calls_.settings.longest_settle_pause);
}

void Settlement::note(const std::string& text) {
  if (!report_.recovery.empty() && report_.recovery.back() == text) return;
  if (report_.state == BatchState::unsettled) {
    util::warn(label(), ": ", text);
  } else {
    util::info(label(), ": ", text);
  }
  report_.recovered(text);
}

void Settlement::looked() {
  if (looked_) process_.runtime.post(std::exchange(looked_, nullptr));
}

bool Settlement::in_flight() const {
  const auto& openings = ledger_->openings;
  return ledger_->reservation.in_flight ||
         std::any_of(openings.begin(), openings.end(), [](const auto& opening) { return opening->in_flight; });
}

std::string Settlement::label() const { return ledger::label_of(report_.id); }

}  // namespace recovery
