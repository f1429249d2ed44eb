#include "peers/peer_opening.hpp"

#include <algorithm>
#include <utility>

#include "lightningd/codes.hpp"
#include "peers/lost_channels.hpp"
#include "peers/pending_limit.hpp"
#include "report/cause.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace peers {

using lightningd::Completed;
using lightningd::Connected;
using lightningd::Started;
using report::PeerMethod;
using util::Error;
using util::Result;
using util::str;

namespace {

constexpr spark::Duration first_backoff{250};
constexpr spark::Duration longest_backoff{2000};
constexpr spark::Duration look_for_cancels{100};
constexpr int most_cut_offs = 2;

/// lightningd's own refusals of fundchannel_complete, before it tells the peer anything. A peer's error has code -1,
/// and its words stand behind others: they cannot pass for lightningd's.
bool is_refused_by_node(const Error& error) {
  namespace code = lightningd::code;
  const auto known = {code::invalid_params, code::not_connected, code::unknown_peer, code::no_good_transaction};
  return std::find(known.begin(), known.end(), error.code) != known.end() ||
         error.message.starts_with("No channel funding in progress");
}

template <class T>
bool in_doubt(const Result<T>& answer) {
  return !answer && lightningd::in_doubt(answer.error());
}

}  // namespace

PeerOpening::PeerOpening(BatchContext& context, Owner& owner, const request::Destination& destination,
                         std::shared_ptr<ledger::OpeningRecord> record)
    : context_(context),
      owner_(owner),
      destination_(destination),
      record_(std::move(record)),
      connection_(*this, context.calls, {context.connects, context.pending}, destination) {}

void PeerOpening::connect(bool connected_already, spark::Completion completion) {
  step_ = std::move(completion);
  context_.watch.peer_at(destination_.index, report::Phase::connect);
  connected_already ? connection_.ask() : connection_.connect();
}

void PeerOpening::connected(const Result<Connected>& answer) {
  if (starting_) return reconnected(answer);
  if (!answer) return fail(method_, answer.error());
  features_ = answer->features;
  record_->connected(lightningd::is_lnd(features_));
  util::debug(record_->label, ": connected");
  context_.watch.peer_at(destination_.index, report::Phase::start);
  step_done();
}

void PeerOpening::start(bitcoin::Sat amount, spark::Completion completion) {
  begin_start(amount, std::move(completion));
  ask_start();
}

void PeerOpening::restart(bitcoin::Sat amount, spark::Completion completion) {
  begin_start(amount, std::move(completion));
  restarting_ = true;
  context_.watch.peer_at(destination_.index, report::Phase::start);
  reconnect();
}

void PeerOpening::begin_start(bitcoin::Sat amount, spark::Completion completion) {
  step_ = std::move(completion);
  amount_ = amount;
  starting_ = true;
  restarting_ = false;
  cut_offs_ = 0;
  backoff_ = first_backoff;
  give_up_at_ = context_.calls.scope.runtime().now() + context_.calls.settings.peer_timeout;
}

// Many do so at once after a failed complete, so they need places as for their first connect.
void PeerOpening::reconnect() {
  method_ = PeerMethod::connect;
  connection_.connect();
}

void PeerOpening::reconnected(const Result<Connected>& answer) {
  if (answer) return ask_start();
  if (cut_offs_ > 0 || !retry_later()) fail(method_, answer.error());
}

report::Cause PeerOpening::cause_of(const Error& error) const { return report::cause_of(name_of(method_), error); }

bool PeerOpening::retry_later() {
  auto& scope = context_.calls.scope;
  if (scope.runtime().now() + backoff_ > give_up_at_) return false;
  scope.after(backoff_, [this] { reconnect(); });
  backoff_ = std::min(2 * backoff_, longest_backoff);
  return true;
}

// A cancel that another batch has sent could take this opening, if theirs is gone when lightningd comes to it.
bool PeerOpening::is_cancelled_by_another() const {
  const auto since = context_.calls.scope.runtime().now() - context_.calls.settings.cancel_patience;
  return context_.book.is_cancelling(destination_.id, since);
}

void PeerOpening::await_cancel() {
  auto& scope = context_.calls.scope;
  if (scope.runtime().now() + look_for_cancels > give_up_at_) {
    return fail(method_, Error{-1, "lightningd does not answer a fundchannel_cancel with this peer", {}});
  }
  scope.after(look_for_cancels, [this] { ask_start(); });
}

void PeerOpening::ask_start() {
  method_ = PeerMethod::fundchannel_start;
  const auto kind = funding::kind_of(destination_, context_.features, features_);
  if (const auto fits = context_.commitment.check(destination_, amount_, kind); !fits)
    return fail(method_, fits.error());
  if (is_cancelled_by_another()) return await_cancel();
  lightningd::StartParams params;
  params.id = destination_.id;
  params.amount = amount_;
  params.feerate = context_.commitment_feerate;
  params.announce = destination_.announce;
  params.push = destination_.push;
  params.close_to = destination_.close_to;
  params.mindepth = destination_.mindepth;
  params.reserve = destination_.reserve;
  params.has_channel_type = destination_.has_channel_type;
  params.channel_type = destination_.channel_type;

  auto guarded = context_.calls.scope.expect<Result<Started>>(
      name_of(method_), context_.calls.settings.peer_timeout,
      [this](const Result<Started>& answer) { started(answer); }, [this] { unanswered(); });
  record_->start_sent(amount_);
  context_.calls.client.fundchannel_start(
      params, [record = record_, guarded = std::move(guarded)](Result<Started> answer) mutable {
        record->start_answered(answer.ok(), in_doubt(answer));
        guarded(std::move(answer));
      });
}

void PeerOpening::started(const Result<Started>& answer) {
  if (!answer) {
    if (worth_another_start(answer.error()) && retry_later()) return;
    return cut_off(cause_of(answer.error()) == report::Cause::pending_limit
                       ? explain_refusal(answer.error(), context_.book.told_in_vain().find(destination_.id))
                       : answer.error());
  }
  terms_ = *answer;
  started_at_ = context_.calls.scope.runtime().now();
  util::debug(record_->label, ": started, ", amount_.value, " sat to ", terms_.funding_address);
  context_.watch.peer_at(destination_.index, report::Phase::complete);
  step_done();
}

// The peer went away between connecting and starting (lightningd forgets one without channels at once), or it
// has not seen yet that we cancelled the opening before this one.
bool PeerOpening::worth_another_start(const Error& error) const {
  if (error.code == lightningd::code::not_connected || error.code == lightningd::code::unknown_peer) return true;
  if (cause_of(error) == report::Cause::busy && context_.book.is_inquired(*record_)) return true;
  return restarting_ && backoff_ < longest_backoff;
}

// A peer that hangs up in the middle has failed, as with the builtin. But one that holds channels which our node has
// lost in a crash is told so of one whenever it is connected, and lightningd then hangs up: that is worth two more
// tries.
void PeerOpening::cut_off(const Error& error) {
  if (cause_of(error) != report::Cause::disconnected || cut_offs_ >= most_cut_offs) return fail(method_, error);
  context_.log->ask([this, error](const Result<LogLook::Lines>& lines) {
    const auto batch = ledger::label_of(record_->batch);
    if (!lines || !ended_for_lost_channel(*lines, destination_.id, batch)) return fail(method_, error);
    ++cut_offs_;
    if (!retry_later()) fail(method_, error);
  });
}

void PeerOpening::complete(const util::SharedText& psbt, const bitcoin::Outpoint& outpoint,
                           spark::Completion completion) {
  step_ = std::move(completion);
  method_ = PeerMethod::fundchannel_complete;
  auto guarded = context_.calls.scope.expect<Result<Completed>>(
      name_of(method_), context_.calls.settings.peer_timeout,
      [this](const Result<Completed>& answer) { completed(answer); }, [this] { unanswered(); });
  record_->complete_sent(outpoint);
  context_.calls.client.fundchannel_complete(
      destination_.id, psbt, context_.withhold,
      [record = record_, guarded = std::move(guarded)](Result<Completed> answer) mutable {
        record->complete_answered(answer.ok(), in_doubt(answer), !answer && is_refused_by_node(answer.error()));
        guarded(std::move(answer));
      });
}

void PeerOpening::completed(const Result<Completed>& answer) {
  if (!answer) return fail(method_, answer.error());
  const auto& outpoint = *record_->outpoint;
  const auto expected = lightningd::v1_channel_id(outpoint.txid, static_cast<std::uint16_t>(outpoint.vout));
  if (!answer->commitments_secured || answer->channel_id != expected) {
    return fail(
        method_,
        Error{
            -1, str("channel ", answer->channel_id.hex(), " is not secured by a commitment for ", outpoint.str()), {}});
  }
  channel_id_ = answer->channel_id;
  util::debug(record_->label, ": completed");
  context_.watch.peer_at(destination_.index, report::Phase::send);
  step_done();
}

void PeerOpening::unanswered() { expired(timeout(name_of(method_), context_.calls.settings.peer_timeout)); }

void PeerOpening::expired(Error error) {
  record_->missed_deadline();
  fail(method_, std::move(error));
}

void PeerOpening::fail(PeerMethod method, Error error) {
  if (failure_) return step_done();
  util::info(record_->label, ": ", name_of(method), " failed: ", error.message);
  failure_ = report::PeerFailure{method, std::move(error)};
  context_.watch.peer_failed(destination_.index, *failure_);
  owner_.peer_failed(*this);
  step_done();
}

void PeerOpening::step_done() {
  if (!step_) return;
  auto step = std::move(*step_);
  step_.reset();
  std::move(step).done();
}

}  // namespace peers
