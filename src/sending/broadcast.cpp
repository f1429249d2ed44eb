#include "sending/broadcast.hpp"

#include <algorithm>
#include <utility>

#include "chain/chain_look.hpp"
#include "context/calls.hpp"
#include "context/looks.hpp"
#include "psbt/final_transaction.hpp"
#include "sending/evidence.hpp"
#include "sending/found_channels.hpp"
#include "sending/result.hpp"
#include "sending/send_psbt.hpp"
#include "sending/send_verdict.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace sending {

using lightningd::PeerChannel;
using util::Error;
using util::Result;
using util::str;

Broadcast::Broadcast(peers::BatchContext& context, Owner& owner, Job job)
    : context_(context),
      owner_(owner),
      ledger_(std::move(job.ledger)),
      transaction_(job.transaction),
      cap_(job.cap),
      peers_(std::move(job.peers)),
      label_(ledger::label_of(ledger_->id)) {}

void Broadcast::run() {
  ask_floor();
  check_channels([this] { sign(); });
}

// The mempool's floor may have risen while the peers took their time. Asked for beside the look at the channels,
// and nobody waits for the answer: lightningd answers in order.
void Broadcast::ask_floor() {
  using lightningd::FeerateLimits;
  context_.calls.client.feerates(
      context_.calls.scope.guard<Result<FeerateLimits>>("feerates", [this](const Result<FeerateLimits>& feerates) {
        if (feerates) context_.bounds.floor = feerates->floor;
      }));
}

// A peer that sends an error now makes lightningd drop its withheld channel and free the inputs.
void Broadcast::check_channels(util::Function<void()> then) {
  using Answer = Result<std::vector<PeerChannel>>;
  auto judge = [this, then = std::move(then)](const Answer& channels) mutable {
    if (!channels) return not_signed(channels.error());
    const auto ready = ready_channels(*channels, context_.withhold);
    const bool all = std::all_of(peers_.begin(), peers_.end(), [&ready](auto* peer) { return is_ready(ready, *peer); });
    if (!all) nothing_added();
    for (auto* peer : peers_) {
      if (is_ready(ready, *peer)) continue;
      peer->fail(report::PeerMethod::fundchannel_complete,
                 Error{-1, "the channel vanished before the transaction was signed", {}});
    }
    if (context_.calls.scope.ended()) return;
    if (!all) return owner_.channels_vanished();
    const auto stand = context_.withhold ? Evidence::Channels::withheld : Evidence::Channels::withheld_or_released;
    const auto evidence = Evidence(*ledger_, transaction_.psbt).check(*channels, stand);
    if (!evidence) return not_signed(evidence.error());
    then();
  };
  context::look_at_channels(context_.calls, std::nullopt, std::move(judge));
}

void Broadcast::not_signed(const Error& error) {
  nothing_added();
  owner_.not_sent(error);
}

// The record says since the channels are secured what sendpsbt may have added to the reservation. It was not asked, so
// what is reserved for that long is another batch's.
void Broadcast::nothing_added() { ledger_->reservation.send_adds_nothing(); }

// Checked in each round before; nothing is signed that costs more, whatever the rounds have done.
void Broadcast::sign() {
  if (const auto fits = cap_.check(transaction_.cost); !fits) return not_signed(fits.error());
  if (const auto fits = context_.bounds.check(transaction_.cost); !fits) return not_signed(fits.error());
  context_.watch.sending();
  context_.calls.client.signpsbt(transaction_.psbt,
                                 context_.calls.local<util::SharedText>(
                                     "signpsbt", [this](const Result<util::SharedText>& psbt) { signed_psbt(psbt); }));
}

// When a peer gives up its channel after our look, lightningd frees the inputs and refuses to sign or send:
// that costs this peer, not the batch.
void Broadcast::refused(const Error& error) {
  if (lightningd::in_doubt(error)) return owner_.not_sent(error);
  check_channels([this, error] { owner_.not_sent(error); });
}

void Broadcast::signed_psbt(const Result<util::SharedText>& text) {
  if (!text) return refused(text.error());
  const auto psbt = psbt::Psbt::from_base64(**text);
  if (!psbt) return owner_.not_sent(Error{-1, str("signpsbt: ", psbt.error().message), {}});
  if (psbt->txid() != transaction_.txid) return owner_.not_sent(Error{-1, "signpsbt changed the transaction", {}});
  if (const auto whole = psbt::check_signed(*psbt); !whole)
    return owner_.not_sent(Error{-1, str("signpsbt: ", whole.error().message), {}});
  const auto final_tx = psbt::final_transaction(*psbt);
  signed_tx_ = final_tx ? util::to_hex(*final_tx) : "";
  util::debug(label_, ": signed");
  check_channels([this, final_psbt = to_send(*psbt, *ledger_->plan)] { send(final_psbt); });
}

// From here on nothing is cancelled or unreserved, whatever the answer: an error may hide a success.
void Broadcast::send(const util::SharedText& psbt) {
  ledger_->send_begins();
  util::info(label_, ": sending ", transaction_.txid.hex());
  using Answer = Result<lightningd::Sent>;
  auto guarded = context_.calls.scope.expect<Answer>(
      "sendpsbt", context_.calls.settings.send_timeout, [this](const Answer& answer) { answered(answer); },
      [this] {
        not_confirmed(Error{jsonrpc::Caller::lost, "lightningd did not answer", {}});
      });
  send_psbt(context_.calls, psbt, ledger_, std::move(guarded));
}

void Broadcast::answered(const Result<lightningd::Sent>& answer) {
  if (!answer) return not_confirmed(answer.error());
  owner_.sent(answer->tx);
}

// An error may hide a success: then the wallet knows the transaction all the same.
void Broadcast::not_confirmed(const Error& error) {
  auto judge = [this, error](const Result<bool>& known) {
    if (!known || !*known) return not_known(error);
    // A result without its `tx` would end the builtin fundchannel, and the node with it.
    if (signed_tx_.empty()) return maybe_sent(error);
    owner_.sent(signed_tx_);
  };
  chain::ChainLook(context_.calls.client)
      .is_recorded(transaction_.txid, context_.calls.scope.expect<Result<bool>>(
                                          "listtransactions", context_.calls.settings.cleanup_timeout, std::move(judge),
                                          [this, error] { not_known(error); }));
}

// What lightningd has refused before it began to broadcast is not out, and will not be: provided that sendpsbt was
// answered, and is not still to run.
void Broadcast::not_known(const Error& error) {
  if (lightningd::in_doubt(error)) return maybe_sent(error);
  using Answer = Result<std::vector<PeerChannel>>;
  auto judge = [this, error](const Answer& channels) {
    if (!context_.withhold || !channels || !is_before_broadcast(error, *channels, transaction_.txid)) {
      return refused_by_bitcoind(error);
    }
    util::info(label_, ": sendpsbt refused, nothing was sent");
    ledger_->proven_unsent();
    refused(error);
  };
  context_.calls.client.listpeerchannels(
      std::nullopt, context_.calls.scope.expect<Answer>("listpeerchannels", context_.calls.settings.cleanup_timeout,
                                                        std::move(judge), [this, error] { maybe_sent(error); }));
}

// lightningd keeps the signed transaction all the same, with each of its channels.
void Broadcast::refused_by_bitcoind(const Error& error) {
  if (verdict_on(error) != SendVerdict::refused || !context_.withhold) return maybe_sent(error);
  if (!peers::Retraction::is_possible(*ledger_)) return owner_.not_sent(refused_and_kept(*ledger_, error));
  retraction_ = std::make_unique<peers::Retraction>(context_.calls, context_.book);
  retraction_->run(ledger_, [this, error](peers::Retraction::Outcome outcome, const std::string&) {
    if (outcome != peers::Retraction::Outcome::gone) return owner_.not_sent(refused_and_kept(*ledger_, error));
    util::info(label_, ": bitcoind refused the transaction, nothing was sent");
    auto answer = refused_and_undone(*ledger_, error);
    ledger_->proven_unsent();
    owner_.not_sent(answer);
  });
}

void Broadcast::maybe_sent(const Error& error) { owner_.not_sent(sending::maybe_sent(*ledger_, signed_tx_, error)); }

}  // namespace sending
