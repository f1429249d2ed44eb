#include "multifundchannel/retraction.hpp"

#include <algorithm>
#include <utility>

#include "multifundchannel/local_call.hpp"
#include "util/log.hpp"
#include "util/mutation.hpp"

namespace multifundchannel {

using funding::Ledger;
using lightningd::PeerChannel;
using util::Result;

namespace {

std::ptrdiff_t channels_of(const Ledger& ledger) {
  const auto& outnums = ledger.plan->outnums;
  return std::count_if(outnums.begin(), outnums.end(), [](const auto& outnum) { return outnum.has_value(); });
}

}  // namespace

Retraction::Retraction(spark::Scope& scope, const lightningd::Client& client, const Settings& settings,
                       funding::Book& book)
    : scope_(scope), client_(client), settings_(settings.while_undoing()), book_(book) {}

bool Retraction::is_possible(const Ledger& ledger) {
  return ledger.plan && (channels_of(ledger) == 1 || util::mutated("takes-back-what-others-have"));
}

void Retraction::run(const std::shared_ptr<Ledger>& ledger, Done done) {
  for (std::size_t i = 0; i < ledger->openings.size(); ++i) {
    if (const auto outpoint = ledger->outpoint_of(i)) return run(ledger->openings[i], *outpoint, std::move(done));
  }
}

void Retraction::run(std::shared_ptr<funding::OpeningRecord> opening, const lightningd::Outpoint& funding, Done done) {
  opening_ = std::move(opening);
  funding_ = funding;
  done_ = std::move(done);
  list([this](const Channels* channels) { judge(channels); });
}

void Retraction::list(util::Function<void(const Channels*)> then) {
  auto listed = [then = std::move(then)](const Result<Channels>& channels) mutable {
    then(channels ? &*channels : nullptr);
  };
  fresh_call<Channels>(
      scope_, settings_, "listpeerchannels",
      [this](lightningd::Reply<Channels> reply) { client_.listpeerchannels(opening_->peer, std::move(reply)); },
      std::move(listed));
}

void Retraction::judge(const Channels* channels) {
  if (channels != nullptr && !is_there(*channels)) return done_(Outcome::gone);
  if (channels != nullptr && may_cancel(*channels)) return cancel();
  util::info(opening_->label, ": its channel ", funding_.str(), " cannot be cancelled now");
  done_(channels != nullptr && has_left_lockin(*channels) ? Outcome::kept : Outcome::later);
}

/// fundchannel_cancel takes the peer's first channel that awaits lock-in: there must be no other.
bool Retraction::may_cancel(const Channels& channels) const {
  const auto in_the_way = [this](const PeerChannel& channel) {
    if (channel.opened_by_us && channel.funding == funding_) return channel.state != "CHANNELD_AWAITING_LOCKIN";
    return channel.state == "CHANNELD_AWAITING_LOCKIN" || channel.state == "OPENINGD";
  };
  return std::none_of(channels.begin(), channels.end(), in_the_way) &&
         !book_.another_is_opening(*opening_) && !book_.another_is_starting(*opening_);
}

/// Closed, or in use: lightningd cancels it no more.
bool Retraction::has_left_lockin(const Channels& channels) const {
  return std::any_of(channels.begin(), channels.end(), [this](const PeerChannel& channel) {
    return channel.opened_by_us && channel.funding == funding_ && channel.state != "CHANNELD_AWAITING_LOCKIN";
  });
}

bool Retraction::is_there(const Channels& channels) const {
  return std::any_of(channels.begin(), channels.end(), [this](const PeerChannel& channel) {
    return channel.opened_by_us && channel.funding == funding_;
  });
}

// lightningd itself asks bitcoind for the output before it forgets the channel.
void Retraction::cancel() {
  auto on_its_way = book_.cancelling(opening_->peer, scope_.runtime().now());
  const auto lost = [] { return util::Error{jsonrpc::Caller::lost, "no answer", {}}; };
  auto answered = scope_.expect<Result<void>>(
      "fundchannel_cancel", settings_.cleanup_timeout, [this](const Result<void>& answer) { cancelled(answer); },
      [this, lost] { cancelled(lost()); });
  util::debug(opening_->label, ": fundchannel_cancel (its transaction never confirms)");
  client_.fundchannel_cancel(opening_->peer, [on_its_way = std::move(on_its_way),
                                              then = std::move(answered)](const Result<void>& answer) mutable {
    on_its_way.reset();
    then(answer);
  });
}

// Whatever it answers, listpeerchannels shows whether the channel is there.
void Retraction::cancelled(const Result<void>& answer) {
  const bool refused = !answer && answer.error().code == lightningd::code::cancel_unsafe;
  list([this, refused](const Channels* channels) {
    if (channels != nullptr && !is_there(*channels)) return done_(Outcome::gone);
    done_(refused && channels != nullptr ? Outcome::kept : Outcome::later);
  });
}

}  // namespace multifundchannel
