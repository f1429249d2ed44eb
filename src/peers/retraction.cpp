#include "peers/retraction.hpp"

#include <algorithm>
#include <utility>

#include "context/looks.hpp"
#include "lightningd/codes.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace peers {

using ledger::Ledger;
using lightningd::PeerChannel;
using util::Result;

namespace {

std::ptrdiff_t channels_of(const Ledger& ledger) {
  const auto& outnums = ledger.plan->outnums;
  return std::count_if(outnums.begin(), outnums.end(), [](const auto& outnum) { return outnum.has_value(); });
}

}  // namespace

Retraction::Retraction(context::Calls calls, ledger::Book& book) : calls_(calls.while_undoing()), book_(book) {}

bool Retraction::is_possible(const Ledger& ledger) { return ledger.plan && channels_of(ledger) == 1; }

void Retraction::run(const std::shared_ptr<Ledger>& ledger, Done done) {
  for (std::size_t i = 0; i < ledger->openings.size(); ++i) {
    if (const auto outpoint = ledger->outpoint_of(i)) return run(ledger->openings[i], *outpoint, std::move(done));
  }
}

void Retraction::run(std::shared_ptr<ledger::OpeningRecord> opening, const bitcoin::Outpoint& funding, Done done) {
  opening_ = std::move(opening);
  funding_ = funding;
  done_ = std::move(done);
  list([this](const Channels* channels) { judge(channels); });
}

void Retraction::list(util::Function<void(const Channels*)> then) {
  auto listed = [then = std::move(then)](const Result<Channels>& channels) mutable {
    then(channels ? &*channels : nullptr);
  };
  context::look_at_channels(calls_, opening_->peer, std::move(listed));
}

void Retraction::judge(const Channels* channels) {
  if (channels == nullptr) return done_(Outcome::later, "lightningd does not show the peer's channels");
  if (!is_there(*channels)) return gone();
  if (has_left_lockin(*channels)) return done_(Outcome::kept, "it awaits its lock-in no more");
  const auto why = in_the_way(*channels);
  if (why.empty()) return cancel();
  util::info(opening_->label, ": its channel ", funding_.str(), " cannot be cancelled now: ", why);
  done_(Outcome::later, why);
}

bool Retraction::is_ours(const PeerChannel& channel) const {
  return channel.opened_by_us && channel.funding == funding_;
}

/// What fundchannel_cancel could take instead; nothing when it would take ours. lightningd (v26.06.6) ends an opening
/// of ours with the peer if there is one, else it takes the first channel that awaits its lock-in, in the order of
/// listpeerchannels, whoever has opened it; one of the peer's it then refuses. Should ours fail just before, it takes
/// the next: that must be one of the peer's, or one whose transaction is impossible as well.
std::string Retraction::in_the_way(const Channels& channels) const {
  bool seen = false;
  for (const auto& channel : channels) {
    if (channel.state == lightningd::ChannelState::opening)
      return "fundchannel_cancel would end the opening with the peer that is under way";
    if (!channel.awaits_lockin()) continue;
    if (is_ours(channel)) {
      seen = true;
      continue;
    }
    const auto other = channel.funding ? channel.funding->str() : std::string("unknown");
    if (!seen) return util::str("fundchannel_cancel would take the peer's older channel ", other);
    const bool matters = channel.opened_by_us && !(channel.funding && book_.is_impossible(channel.funding->txid));
    if (matters) return util::str("fundchannel_cancel could take the peer's younger channel ", other);
  }
  return book_.another_may_open(*opening_) ? "another batch opens a channel with the peer" : "";
}

/// Closed, or in use: lightningd cancels it no more.
bool Retraction::has_left_lockin(const Channels& channels) const {
  return std::any_of(channels.begin(), channels.end(),
                     [this](const PeerChannel& channel) { return is_ours(channel) && !channel.awaits_lockin(); });
}

bool Retraction::is_there(const Channels& channels) const {
  return std::any_of(channels.begin(), channels.end(), [this](const PeerChannel& channel) { return is_ours(channel); });
}

void Retraction::gone() {
  book_.undone(*opening_, funding_);
  done_(Outcome::gone, "");
}

// lightningd itself asks bitcoind for the output before it forgets the channel.
void Retraction::cancel() {
  auto on_its_way = book_.cancelling(opening_->peer, calls_.scope.runtime().now());
  const auto lost = [] { return util::Error{jsonrpc::Caller::lost, "no answer", {}}; };
  auto answered = calls_.scope.expect<Result<void>>(
      "fundchannel_cancel", calls_.settings.cleanup_timeout, [this](const Result<void>& answer) { cancelled(answer); },
      [this, lost] { cancelled(lost()); });
  util::debug(opening_->label, ": fundchannel_cancel (its transaction never confirms)");
  calls_.client.fundchannel_cancel(opening_->peer, [on_its_way = std::move(on_its_way),
                                                    then = std::move(answered)](const Result<void>& answer) mutable {
    on_its_way.reset();
    then(answer);
  });
}

// Whatever it answers, listpeerchannels shows whether the channel is there.
void Retraction::cancelled(const Result<void>& answer) {
  const bool refused = !answer && answer.error().code == lightningd::code::cancel_unsafe;
  const auto said = answer ? std::string("fundchannel_cancel did not remove it") : answer.error().message;
  list([this, refused, said](const Channels* channels) {
    if (channels != nullptr && !is_there(*channels)) return gone();
    done_(refused && channels != nullptr ? Outcome::kept : Outcome::later, said);
  });
}

}  // namespace peers
