#include "bump/bump_send.hpp"

#include <algorithm>
#include <utility>

#include "lightningd/codes.hpp"
#include "sending/send_verdict.hpp"
#include "util/str.hpp"

namespace bump {

using bumps::BumpState;
using sending::SendVerdict;
using util::Error;
using util::Result;
using util::str;

BumpSend::BumpSend(context::Calls calls, bumps::Bumps& bumps, std::string batch, BumpTransaction transaction)
    : calls_(std::move(calls)), bumps_(bumps), transaction_(std::move(transaction)) {
  const auto& parent = transaction_.spends.txid;
  if (const auto* const before = bumps_.of(parent)) before_ = *before;
  bump_ = {{std::move(batch), parent, transaction_.txid, transaction_.fee, transaction_.package.feerate()},
           transaction_.spends,
           transaction_.fee};
  if (!before_) return;
  if (bump_.shown.batch.empty()) bump_.shown.batch = before_->shown.batch;
  bump_.most_fee = std::max(bump_.most_fee, before_->most_fee);
  bump_.replaced = before_->replaced;
  bump_.replaced.push_back(before_->shown.txid);
}

// In the datastore first, with the height to which it will be reserved: a later bump tells by that what is ours.
void BumpSend::run(WhyNot why_not, lightningd::Reply<void> then) {
  why_not_ = std::move(why_not);
  then_ = std::move(then);
  const bool reserved = transaction_.reserved_to_block > 0;
  bump_.reserved_to_block =
      reserved ? transaction_.reserved_to_block : transaction_.height + context::Settings::bump_reservation;
  bump_.sent_blocks = reserved && before_ && before_->shown.state == BumpState::sent
                          ? calls_.settings.longer_reservation
                          : calls_.settings.sent_reservation;
  record([this, reserved] { reserved ? look() : reserve(); });
}

void BumpSend::record(util::Function<void()> then) {
  auto saved = [this, then = std::move(then)](const Result<void>& done) mutable {
    done ? then() : take_back(done.error().message);
  };
  bumps_.put(bump_, calls_.scope.guard<Result<void>>("the record of a bump", std::move(saved)));
}

void BumpSend::reserve() {
  using Reservations = std::vector<lightningd::Reservation>;
  auto answered = [this](const Result<Reservations>& reservations) {
    if (!reservations) return not_reserved(reservations.error());
    reserved_ = true;
    if (reservations->size() != 1) return take_back("reserveinputs: expected one reservation");
    const auto to = reservations->front().reserved_to_block;
    if (to == bump_.reserved_to_block) return look();
    bump_.reserved_to_block = to;  // a block has come in between
    record([this] { look(); });
  };
  calls_.client.reserveinputs(transaction_.psbt, true, context::Settings::bump_reservation,
                              calls_.local<Reservations>("reserveinputs", std::move(answered)));
}

// A block may have come since the offer. That of a first bump took nothing away by which it could be told.
void BumpSend::look() {
  using Recorded = std::vector<chain::WalletTransaction>;
  auto listed = [this](const Result<Recorded>& recorded) {
    if (!recorded) return take_back(str("listtransactions: ", recorded.error().message));
    bumps_.compare(*recorded);
    sign();
  };
  calls_.fresh<Recorded>(
      "listtransactions",
      [chain = chain::ChainLook(calls_.client)](lightningd::Reply<Recorded> reply) {
        chain.all_recorded(std::move(reply));
      },
      std::move(listed));
}

void BumpSend::sign() {
  const auto* const on_record = bumps_.of(bump_.shown.parent);
  if (on_record == nullptr || on_record->shown.txid != bump_.shown.txid || on_record->decided_at > 0) {
    return take_back("its transaction has confirmed meanwhile, or cannot confirm any more");
  }
  // An abort that began while this was worked out does not outbid it. A later one finds it on record.
  if (const auto why = why_not_()) return take_back(why->message);
  auto answered = [this](const Result<util::SharedText>& text) {
    if (!text) return take_back(str("signpsbt: ", text.error().message));
    const auto psbt = psbt::Psbt::from_base64(**text);
    if (!psbt || psbt->txid() != transaction_.txid) return take_back("signpsbt answered another transaction");
    send(*psbt);
  };
  calls_.client.signpsbt(transaction_.psbt, calls_.local<util::SharedText>("signpsbt", std::move(answered)));
}

void BumpSend::send(const psbt::Psbt& signed_psbt) {
  auto answered = [this](const Result<lightningd::Sent>& answer) { answer ? sent() : not_sent(answer.error()); };
  asked_ = true;
  calls_.client.sendpsbt(util::share(signed_psbt.base64(2)), bump_.sent_blocks,
                         calls_.local<lightningd::Sent>("sendpsbt", std::move(answered)));
}

// The record need not say so before the answer: the next look at the wallet's transactions tells.
void BumpSend::sent() {
  bump_.shown.state = BumpState::sent;
  bumps_.put(bump_, [](const Result<void>&) {});
  end({});
}

void BumpSend::not_sent(const Error& error) {
  switch (sending::verdict_on(error)) {
    case SendVerdict::known:
      return sent();
    case SendVerdict::refused:
      return take_back(str("bitcoind refuses the bump: ", sending::refusal_text(error)));
    case SendVerdict::inputs_gone:  // the bump itself may have spent them, in an attempt before
    case SendVerdict::doubt:
      return end(doubt(sending::refusal_text(error)));
  }
}

Error BumpSend::doubt(const std::string& why) const {
  return Error{lightningd::code::broadcast_fail,
               str("the bump ", transaction_.txid.hex(), " was signed, but sending it was not confirmed (", why,
                   "): it may be on its way. Call again, with a higher feerate, to replace it"),
               {}};
}

std::optional<Error> BumpSend::in_doubt() const {
  return asked_ ? std::optional(doubt("the plugin was stopped")) : std::nullopt;
}

// Without an answer it may be reserved: the record explains that to the next bump.
void BumpSend::not_reserved(const Error& error) {
  const auto why = str("reserveinputs: ", error.message);
  if (lightningd::in_doubt(error)) return end(Error{-1, why, {}});
  take_back(why);
}

// Nothing was sent: bitcoind has refused it, or was not asked. The record goes when nothing is reserved any more.
void BumpSend::take_back(const std::string& why) {
  asked_ = false;
  const Error error{-1, why, {}};
  if (!reserved_) return forget(error);
  using Reservations = std::vector<lightningd::Reservation>;
  auto answered = [this, error](const Result<Reservations>& freed) { freed ? forget(error) : end(error); };
  calls_.client.unreserveinputs(transaction_.psbt, context::Settings::bump_reservation,
                                calls_.local<Reservations>("unreserveinputs", std::move(answered)));
}

void BumpSend::forget(const Error& error) {
  before_ ? bumps_.put(*before_, [](const Result<void>&) {}) : bumps_.remove(bump_.shown.parent);
  end(error);
}

void BumpSend::end(Result<void> result) { std::exchange(then_, nullptr)(std::move(result)); }

}  // namespace bump
