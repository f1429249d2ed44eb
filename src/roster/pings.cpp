#include "roster/pings.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "lightningd/codes.hpp"
#include "peers/connection.hpp"

namespace roster {

using ledger::Stage;
using peers::PeerOpening;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;

namespace {

constexpr spark::Duration between_looks{1000};
constexpr spark::Duration a_moment{250};
/// A sign of life that is older does not do for those who are told last.
constexpr spark::Duration shortly_before{1000};

/// It has accepted, and knows no outpoint: dropping it is free. Undoing it may need to hang up itself.
bool waits(const PeerOpening& peer) {
  const auto& record = *peer.record();
  return peer.live() && record.stage == Stage::started && !record.outpoint && !record.undoing;
}

}  // namespace

void Pings::watch() {
  watching_ = true;
  if (!std::exchange(looking_, true)) context_.calls.scope.after(between_looks, [this] { look(); });
}

// So early that the answer is there before anybody would have to wait for it.
void Pings::look() {
  looking_ = false;
  if (!watching_) return;
  for (auto* peer : roster_.live()) {
    if (is_quiet(*peer, context_.calls.settings.quiet_peer / 2)) ask(*peer);
  }
  watch();
}

// Even when it has come back: an opening ends with its connection.
void Pings::disconnected(const lightningd::NodeId& peer) {
  if (context_.calls.scope.ended()) return;
  for (auto* candidate : roster_.live()) {
    if (candidate->destination().id == peer && waits(*candidate)) look_at_opening(*candidate);
  }
}

void Pings::look_at_opening(PeerOpening& peer) {
  using Channels = std::vector<lightningd::PeerChannel>;
  auto looked = [this, &peer, asked = context_.calls.scope.runtime().now()](const Result<Channels>& channels) {
    const bool there = !channels || std::any_of(channels->begin(), channels->end(), [](const auto& channel) {
      return channel.state == lightningd::ChannelState::opening && channel.opened_by_us;
    });
    if (!there) hung_up(peer, asked);
  };
  context_.calls.client.listpeerchannels(peer.destination().id,
                                         context_.calls.local<Channels>("listpeerchannels", std::move(looked)));
}

void Pings::ask(const Peers& peers) {
  for (auto* peer : peers) {
    if (waits(*peer)) ask(*peer);
  }
}

void Pings::await_quiet(const Peers& peers, util::Function<void()> then) {
  std::vector<Spark> answered;
  for (auto* peer : peers) {
    if (is_quiet(*peer, context_.calls.settings.quiet_peer)) answered.push_back(ask(*peer));
  }
  context_.calls.scope.wait(std::move(answered), std::move(then));
}

void Pings::await(const Peers& peers, util::Function<void()> then) {
  std::vector<Spark> answered;
  for (auto* peer : peers) {
    if (pings_[peer].in_flight() || is_quiet(*peer, shortly_before)) answered.push_back(ask(*peer));
  }
  context_.calls.scope.wait(std::move(answered), std::move(then));
}

/// Whether it waits, and was not heard of for so long. Its accept is a sign of life as well.
bool Pings::is_quiet(const PeerOpening& peer, spark::Duration age) {
  const auto heard = std::max({peer.started_at(), *pings_[&peer].heard, pings_[&peer].looked});
  return waits(peer) && context_.calls.scope.runtime().now() - heard >= age;
}

/// Completes when the peer has answered, or was dropped. At most one for each peer is in flight.
Spark Pings::ask(PeerOpening& peer) {
  auto& ping = pings_[&peer];
  if (ping.in_flight()) return *ping.answered;
  const auto asked = context_.calls.scope.runtime().now();
  ping.answered = context_.calls.scope.spark([this, &peer, asked](Completion completion) {
    send({peer, asked, std::make_shared<Completion>(std::move(completion))});
  });
  return *ping.answered;
}

spark::Duration Pings::patience() const {
  return std::min(context_.calls.settings.ping_timeout, context_.calls.settings.peer_timeout);
}

void Pings::send(const Asked& asked) {
  if (!waits(asked.peer)) return end(asked);
  if (!context_.tells_pongs_apart) return look_at_connection(asked);
  auto& runtime = context_.calls.scope.runtime();
  const auto left = asked.at + patience() - runtime.now();
  // A late one is a sign of life all the same.
  auto late = [&runtime, heard = pings_[&asked.peer].heard](const Result<void>& answer) {
    if (answer) *heard = runtime.now();
  };
  auto guarded = context_.calls.scope.expect<Result<void>>(
      "ping", left, [this, asked](const Result<void>& answer) { answered(asked, answer); },
      [this, asked] { expired(asked); }, std::move(late));
  context_.calls.client.ping(asked.peer.destination().id, std::move(guarded));
}

void Pings::answered(const Asked& asked, const Result<void>& answer) {
  if (answer) {
    *pings_[&asked.peer].heard = context_.calls.scope.runtime().now();
  } else if (answer.error().message.find("not connected") != std::string::npos) {
    hung_up(asked.peer, asked.at);
  } else if (answer.error().message.find("already pending") != std::string::npos) {
    return look_at_connection(asked);
  }
  end(asked);  // other errors tell nothing of the peer
}

// lightningd says so while it waits for the answer to another ping, be it its own, and of a peer with a channel that is
// not connected. Where its answers do not tell who has answered, there is nothing else to look at.
void Pings::look_at_connection(const Asked& asked) {
  auto told = [this, asked](const Result<bool>& connected) {
    if (connected && !*connected) {
      hung_up(asked.peer, asked.at);
      return end(asked);
    }
    if (!context_.tells_pongs_apart) {
      pings_[&asked.peer].looked = context_.calls.scope.runtime().now();
      return end(asked);
    }
    auto& scope = context_.calls.scope;
    if (scope.runtime().now() + a_moment >= asked.at + patience()) return expired(asked);
    scope.after(a_moment, [this, asked] { send(asked); });
  };
  context_.calls.client.is_connected(asked.peer.destination().id,
                                     context_.calls.local<bool>("listpeers", std::move(told)));
}

// Unless lightningd itself, or this process, was held up: then it has a pong for us by the time it answers what was
// asked later. No answer at all tells nothing of the peer: it is asked once more, and then the peer stays.
void Pings::expired(const Asked& asked, bool again) {
  auto& scope = context_.calls.scope;
  auto looked = [this, asked, again, &scope](const Result<bool>& connected) {
    if (!connected) return again ? end(asked) : expired(asked, true);
    scope.after(a_moment, [this, asked] {
      if (*pings_[&asked.peer].heard < asked.at) lost(asked.peer, asked.at, peers::timeout("ping", patience()));
      end(asked);
    });
  };
  context_.calls.client.is_connected(asked.peer.destination().id,
                                     context_.calls.local<bool>("listpeers", std::move(looked)));
}

void Pings::end(const Asked& asked) { std::move(*asked.completion).done(); }

void Pings::hung_up(PeerOpening& peer, spark::Duration asked) {
  lost(peer, asked, Error{lightningd::code::not_connected, "the peer hung up while it waited for the others", {}});
}

// That is the call which would fail, and which the builtin names: what reads our results knows no `ping` there. What
// was asked before it accepted was about an earlier opening.
void Pings::lost(PeerOpening& peer, spark::Duration asked, Error error) {
  if (!waits(peer) || peer.started_at() > asked) return;
  if (error.code != lightningd::code::not_connected) peer.record()->missed_deadline();
  peer.fail(report::PeerMethod::fundchannel_complete, std::move(error));
}

}  // namespace roster
