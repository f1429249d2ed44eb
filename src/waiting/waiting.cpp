#include "waiting/waiting.hpp"

#include <algorithm>
#include <utility>

#include "chain/chain_look.hpp"
#include "context/looks.hpp"
#include "given/finality.hpp"
#include "given/signed_psbt.hpp"
#include "given/witness_form.hpp"
#include "lightningd/codes.hpp"
#include "sending/below_floor.hpp"
#include "sending/send_psbt.hpp"
#include "sending/send_verdict.hpp"
#include "util/str.hpp"
#include "waiting/waiting_words.hpp"

namespace waiting {

using chain::Seen;
using chain::Sight;
using ledger::BatchPhase;
using report::BatchState;
using util::Error;
using util::Result;
using util::str;

bool Waiting::applies() const {
  return batch_.ledger->waits() ||
         (batch_.ledger->phase == BatchPhase::sending && batch_.ledger->plan && batch_.ledger->plan->is_users);
}

void Waiting::wait(const Error& told, const std::string& why, BatchState state) {
  busy_ = false;
  callers_.answer(told);
  owner_.retry(why, state);
  callers_.call_put_off();
}

// --- Looking ---

void Waiting::look() {
  if (!begin()) return;
  auto look = [this] { ask([this](const Picture& picture) { judge(picture.channels, picture.sight.seen); }); };
  if (!batch_.ledger->waits() || !batch_.journal->may_be_completed()) return look();
  // Its record may say since a finish that failed that it is to be sent.
  batch_.save([this, look](const Result<void>& saved) { saved ? look() : wait(saved.error().message); });
}

void Waiting::ask(Next then) {
  look_.ask([this, then = std::move(then)](const Result<Picture>& picture) mutable {
    if (!picture) return wait(picture.error().message);
    height_ = picture->height;
    batch_.wait_for_lost_send();
    batch_.ledger->plan->wait_began(height_);  // where lightningd did not tell it before
    tell_deadline();
    if (!has_vanished(*batch_.ledger, picture->channels) || picture->sight.seen == Seen::broadcast)
      return then(*picture);
    unless_known([then = std::move(then), picture = *picture]() mutable { then(picture); });
  });
}

// A channel that was opened, closed and forgotten is gone as well, and what was paid to it is spent.
void Waiting::unless_known(util::Function<void()> then) {
  auto told = [this, then = std::move(then)](const Result<bool>& known) mutable {
    if (!known) return wait(known.error().message);
    if (!*known) return then();
    batch_.tell_all_there();
    sent();
  };
  batch_.chain().is_recorded(batch_.ledger->plan->txid, batch_.calls.local<bool>("listtransactions", std::move(told)));
}

void Waiting::judge(const Channels& channels, Seen seen) {
  const auto& plan = *batch_.ledger->plan;
  const auto found = sending::find_channels(*batch_.ledger, channels);
  const auto gone = batch_.tell_gone(channels);
  if (batch_.may_still_be_sent()) return wait(not_answered, BatchState::settling);
  if (plan.is_users) return judge_users(found, gone, seen);
  if (!found.all_withheld && batch_.ledger->sending) return sent();  // as a finish has found
  if (!found.all_withheld) {
    return wait("a channel is released, although its record says that nothing was signed", BatchState::unsettled);
  }
  if (!gone.empty()) return wait(gone);
  if (is_too_late(plan, height_)) return wait(too_late(plan, height_));
  keep_coins();
}

void Waiting::judge_users(const sending::FoundChannels& found, const std::string& gone, Seen seen) {
  const auto& plan = *batch_.ledger->plan;
  const bool broadcast = seen == Seen::broadcast;
  if (!found.all_withheld && (broadcast || found.locked_in)) return sent();
  if (!found.all_withheld) {
    return wait(
        "its channels are released, but bitcoind does not have the transaction: call multifundchannel-finish again",
        BatchState::refused);
  }
  if (broadcast || found.locked_in) return find_broadcast();
  if (is_too_late(plan, height_)) return wait(too_late(plan, height_));
  if (batch_.ledger->phase == BatchPhase::sending) return wait_again("sendpsbt did nothing: it waits again");
  if (seen != Seen::unsent) return wait(why_not(seen));
  wait(gone.empty() ? "its channels are secured, and its transaction waits to be signed" : gone);
}

// The wallet's own, until it is finished or aborted.
void Waiting::keep_coins() {
  if (batch_.must_wait()) return wait("lightningd has not answered reserveinputs yet");
  batch_.keep_coins([this](const Result<wallet::Holding::Taken>& taken) {
    if (!taken) return wait(taken.error().message);
    if (!*taken) return wait("its channels are secured, and its transaction waits to be sent");
    wait(str("input ", (*taken)->str(), " is spent, or another program has reserved it: it can only be aborted"));
  });
}

// lightningd records the transaction when it has seen it in a block.
void Waiting::find_broadcast() {
  auto found = [this](const Result<Recorded>& recorded) {
    if (recorded && *recorded) {
      batch_.note("its transaction is in a block, sent by another program: releasing its channels");
      return announce([this, psbt = psbt::Psbt::of(**recorded)] { send(psbt); });
    }
    wait(in_the_mempool);
  };
  chain::ChainLook(batch_.calls.client)
      .recorded(batch_.ledger->plan->txid, batch_.calls.local<Recorded>("listtransactions", std::move(found)));
}

void Waiting::tell_deadline() {
  const auto text = warned_ ? std::nullopt : waits_long(*batch_.ledger->plan, height_);
  if (!text) return;
  warned_ = true;
  batch_.note(*text);
}

// --- Finishing ---

void Waiting::finish(std::optional<psbt::Psbt> signed_psbt, Callers::Finished then) {
  if (!applies()) return then(no_more());
  if (const auto fits = given::check_signed_psbt(*batch_.ledger->plan, signed_psbt); !fits) return then(fits.error());
  if (batch_.report.state == BatchState::opened) return then(report::finished_json(batch_.report));
  if (callers_.give_up() || batch_.ending) return then(busy());
  if (callers_.finish()) return callers_.add_finishing(std::move(then));
  if (!begin()) {
    return callers_.put_off([this, signed_psbt = std::move(signed_psbt), then = std::move(then)]() mutable {
      finish(std::move(signed_psbt), std::move(then));
    });
  }
  callers_.add_finishing(std::move(then));
  ask([this, signed_psbt = std::move(signed_psbt)](const Picture& picture) mutable {
    finish_seen(picture, std::move(signed_psbt));
  });
}

void Waiting::finish_seen(const Picture& picture, std::optional<psbt::Psbt> signed_psbt) {
  const auto found = sending::find_channels(*batch_.ledger, picture.channels);
  const auto gone = batch_.tell_gone(picture.channels);
  const auto& plan = *batch_.ledger->plan;
  const auto seen = picture.sight.seen;
  const bool broadcast = seen == Seen::broadcast;
  if (batch_.may_still_be_sent()) return wait(not_answered, BatchState::settling);
  if (!found.all_withheld && found.locked_in) return sent();
  // What is out already is out, whatever is gone: the other channels have to be released.
  if (!broadcast && found.present < found.wanted) return wait(gone);
  if (!broadcast && is_too_late(plan, height_)) return wait(too_late(plan, height_));
  if (!broadcast && batch_.is_being_cancelled()) return wait("lightningd has not answered fundchannel_cancel yet");
  if (signed_psbt && broadcast) return announce([this, psbt = std::move(*signed_psbt)] { send(psbt); });
  if (signed_psbt && seen != Seen::unsent) return wait(why_not(seen));
  if (signed_psbt) return check_signed(std::move(*signed_psbt), picture.sight);
  auto& reservation = batch_.ledger->reservation;
  reservation.send_adds(batch_.calls.settings.blocks_when_sent(reservation.blocks));
  announce([this] {
    busy_ = false;
    owner_.attempt();
  });
}

// What bitcoind would refuse after lightningd has released the channels.
void Waiting::check_signed(psbt::Psbt signed_psbt, const Sight& sight) {
  const auto formed = given::check_witnesses(signed_psbt, sight.inputs);
  if (!formed) return wait(formed.error(), "its channels are secured, and its transaction waits to be signed");
  if (const auto why = given::why_not_at(signed_psbt, height_)) return wait("psbt: " + *why);
  check_floor(std::move(signed_psbt));
}

// A first sendpsbt that is refused would leave the signed transaction in the channels, for lightningd to send it at its
// next start.
void Waiting::check_floor(psbt::Psbt signed_psbt) {
  using lightningd::FeerateLimits;
  auto told = [this, psbt = std::move(signed_psbt)](const Result<FeerateLimits>& feerates) {
    if (!feerates) return wait(feerates.error().message);
    const auto& plan = *batch_.ledger->plan;
    // A script that is spent in an unforeseen way may weigh more than was thought.
    const auto weight = std::max<std::uint64_t>(plan.users_weight, given::signed_weight(psbt).value_or(0));
    const auto lacking = sending::below_floor(plan.users_fee, weight, feerates->floor);
    if (lacking) return wait(*lacking);
    announce([this, psbt] { look_again(psbt); });
  };
  batch_.calls.client.feerates(batch_.calls.local<FeerateLimits>("feerates", std::move(told)));
}

// A peer that sends an error makes lightningd drop a withheld channel at any moment.
void Waiting::look_again(const psbt::Psbt& signed_psbt) {
  auto listed = [this, signed_psbt](const Result<Channels>& channels) {
    if (!channels) return wait_again(channels.error().message);
    const auto gone = batch_.tell_gone(*channels);
    if (!gone.empty()) return wait_again(gone);
    if (batch_.is_being_cancelled()) return wait_again("lightningd has not answered fundchannel_cancel yet");
    send(signed_psbt);
  };
  context::look_at_channels(batch_.calls, std::nullopt, std::move(listed));
}

/// In the journal first: that it may be sent.
void Waiting::announce(util::Function<void()> then) {
  const auto before = batch_.ledger->phase;
  batch_.ledger->comes_to(BatchPhase::sending);
  batch_.report.phase = name_of(batch_.ledger->phase);
  batch_.save([this, before, then = std::move(then)](const Result<void>& saved) mutable {
    if (saved) return then();
    batch_.ledger->comes_to(before);
    batch_.ledger->reservation.send_adds_nothing();
    batch_.report.phase = name_of(before);
    wait(str(saved.error().message, lightningd::in_doubt(saved.error()) ? after_doubt : ""));
  });
}

void Waiting::send(const psbt::Psbt& signed_psbt) {
  batch_.ledger->send_begins();
  batch_.note(str("sending ", batch_.ledger->plan->txid.hex()));
  auto answered = [this](const Result<lightningd::Sent>& answer) { answer ? sent() : not_sent(answer.error()); };
  sending::send_psbt(batch_.calls, sending::to_send(signed_psbt, *batch_.ledger->plan), batch_.ledger,
                     batch_.calls.local<lightningd::Sent>("sendpsbt", std::move(answered)));
}

void Waiting::sent() {
  busy_ = false;
  batch_.ending = true;
  batch_.report.opened();
  callers_.answer({});
  callers_.call_put_off();
  owner_.sent();
}

// Of what is in a block already, sendpsbt releases the channels and says that it failed.
void Waiting::not_sent(const Error& error) {
  if (sending::verdict_on(error) == sending::SendVerdict::known) return sent();
  const auto what = str("sendpsbt: ", error.message);
  batch_.wait_for_lost_send();
  if (batch_.may_still_be_sent() || lightningd::in_doubt(error)) return wait(what, BatchState::settling);
  auto listed = [this, error, what](const Result<Channels>& channels) {
    if (!channels || !sending::is_before_broadcast(error, *channels, batch_.ledger->plan->txid))
      return wait(what, BatchState::refused);
    wait_again(what);
  };
  batch_.calls.client.listpeerchannels(std::nullopt,
                                       batch_.calls.local<Channels>("listpeerchannels", std::move(listed)));
}

void Waiting::wait_again(const std::string& why) {
  batch_.ledger->waits_again();
  batch_.report.phase = name_of(batch_.ledger->phase);
  batch_.save([this, why](const Result<void>& saved) { wait(saved ? why : saved.error().message); });
}

// --- Giving up ---

void Waiting::give_up(lightningd::Reply<void> then) {
  if (!batch_.ledger->waits()) return then(no_more());
  if (callers_.finish() || callers_.give_up() || batch_.ending) return then(busy());
  if (!begin()) return callers_.put_off([this, then = std::move(then)]() mutable { give_up(std::move(then)); });
  callers_.set_giving_up(std::move(then));
  ask([this](const Picture& picture) {
    const auto seen = picture.sight.seen;
    if (seen == Seen::broadcast || !sending::all_withheld(picture.channels, batch_.ledger->plan->txid)) {
      return wait("its transaction is in the mempool or the chain: it can be finished, and not be given up");
    }
    // A coin that is unspent proves that nothing was sent.
    if ((seen == Seen::nothing || seen == Seen::unknown) && batch_.ledger->plan->is_users) return wait(why_not(seen));
    batch_.ledger->given_up();
    batch_.save([this](const Result<void>& saved) { given_up(saved); });
  });
}

// Without an answer the record may say so all the same: then it is given up, as the user wanted.
void Waiting::given_up(const Result<void>& saved) {
  if (!saved && !lightningd::in_doubt(saved.error())) {
    batch_.ledger->comes_to(BatchPhase::waiting);
    return wait(saved.error().message);
  }
  busy_ = false;
  batch_.report.phase = name_of(batch_.ledger->phase);
  batch_.report.state = BatchState::settling;
  callers_.take_giving_up()(saved);
  callers_.call_put_off();
  owner_.attempt();
}

}  // namespace waiting
