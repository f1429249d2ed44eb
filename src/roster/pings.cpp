#include "roster/pings.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace roster {

using ledger::Stage;
using peers::PeerOpening;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;

namespace {

constexpr spark::Duration between_looks{1000};
constexpr spark::Duration before_another{250};

/// It has accepted, and knows no outpoint: dropping it is free.
bool waits(const PeerOpening& peer) {
  return peer.live() && peer.record()->stage == Stage::started && !peer.record()->outpoint;
}

}  // namespace

void Pings::watch() {
  watching_ = true;
  if (!std::exchange(looking_, true)) context_.calls.scope.after(between_looks, [this] { look(); });
}

void Pings::look() {
  looking_ = false;
  if (!watching_) return;
  for (auto* peer : roster_.live()) {
    if (is_quiet(*peer)) ask(*peer);
  }
  watch();
}

void Pings::disconnected(const lightningd::NodeId& peer) {
  if (context_.calls.scope.ended()) return;
  for (auto* candidate : roster_.live()) {
    if (candidate->destination().id == peer && waits(*candidate)) ask(*candidate);
  }
}

void Pings::ask(const Peers& peers) {
  for (auto* peer : peers) {
    if (waits(*peer)) ask(*peer);
  }
}

void Pings::await_quiet(const Peers& peers, util::Function<void()> then) {
  std::vector<Spark> answered;
  for (auto* peer : peers) {
    if (is_quiet(*peer)) answered.push_back(ask(*peer));
  }
  context_.calls.scope.wait(std::move(answered), std::move(then));
}

void Pings::await(const Peers& peers, util::Function<void()> then) {
  std::vector<Spark> answered;
  for (auto* peer : peers) {
    const auto& asked = pings_[peer].answered;
    if (is_quiet(*peer) || (asked && !asked->completed())) answered.push_back(ask(*peer));
  }
  context_.calls.scope.wait(std::move(answered), std::move(then));
}

// Its accept is a sign of life as well.
bool Pings::is_quiet(const PeerOpening& peer) const {
  const auto ping = pings_.find(&peer);
  const auto heard = std::max(peer.started_at(), ping == pings_.end() ? spark::Duration{} : ping->second.heard);
  return waits(peer) && context_.calls.scope.runtime().now() - heard >= context_.calls.settings.quiet_peer;
}

/// Completes when the peer has answered, or was dropped. At most one for each peer is in flight.
Spark Pings::ask(PeerOpening& peer) {
  auto& answered = pings_[&peer].answered;
  if (answered && !answered->completed()) return *answered;
  const auto give_up_at = context_.calls.scope.runtime().now() + context_.calls.settings.ping_timeout;
  answered = context_.calls.scope.spark(
      [this, &peer, give_up_at](Completion completion) { send(peer, give_up_at, std::move(completion)); });
  return *answered;
}

void Pings::send(PeerOpening& peer, spark::Duration give_up_at, Completion completion) {
  if (!waits(peer)) return std::move(completion).done();
  const auto left = give_up_at - context_.calls.scope.runtime().now();
  const auto waiting = std::make_shared<Completion>(std::move(completion));
  context_.calls.client.ping(peer.destination().id,
                             context_.calls.scope.expect<Result<void>>(
                                 "ping", left,
                                 [this, &peer, give_up_at, waiting](const Result<void>& answer) {
                                   this->answered(peer, answer, give_up_at, std::move(*waiting));
                                 },
                                 [this, &peer, waiting] { expired(peer, std::move(*waiting)); }));
}

void Pings::answered(PeerOpening& peer, const Result<void>& answer, spark::Duration give_up_at, Completion completion) {
  if (answer) {
    pings_[&peer].heard = context_.calls.scope.runtime().now();
  } else if (answer.error().message.find("not connected") != std::string::npos) {
    hung_up(peer);
  } else if (answer.error().message.find("already pending") != std::string::npos) {
    return look_at_connection(peer, give_up_at, std::move(completion));
  }
  std::move(completion).done();  // other errors tell nothing of the peer
}

// lightningd says so while it waits for the answer to another ping, be it its own, and of a peer with a channel that is
// not connected.
void Pings::look_at_connection(PeerOpening& peer, spark::Duration give_up_at, Completion completion) {
  auto told = [this, &peer, give_up_at, c = std::move(completion)](const Result<bool>& connected) mutable {
    if (connected && !*connected) {
      hung_up(peer);
      return std::move(c).done();
    }
    auto& scope = context_.calls.scope;
    if (scope.runtime().now() + before_another >= give_up_at) return expired(peer, std::move(c));
    scope.after(before_another,
                [this, &peer, give_up_at, c = std::move(c)]() mutable { send(peer, give_up_at, std::move(c)); });
  };
  context_.calls.client.is_connected(peer.destination().id, context_.calls.local<bool>("listpeers", std::move(told)));
}

// Unless lightningd itself was held up: what it answers now, it answers after a pong that it had got before.
void Pings::expired(PeerOpening& peer, Completion completion) {
  auto looked = [this, &peer, asked = context_.calls.scope.runtime().now(),
                 c = std::move(completion)](const Result<bool>&) mutable {
    const auto seconds = context_.calls.settings.ping_timeout.count() / 1000;
    if (pings_[&peer].heard < asked) {
      lost(peer, Error{-1, util::str("timeout: the peer did not answer ping within ", seconds, " seconds"), {}});
    }
    std::move(c).done();
  };
  context_.calls.client.is_connected(peer.destination().id, context_.calls.local<bool>("listpeers", std::move(looked)));
}

void Pings::hung_up(PeerOpening& peer) {
  lost(peer, Error{lightningd::code::not_connected, "the peer hung up while it waited for the others", {}});
}

// That is the call which would fail, and which the builtin names: what reads our results knows no `ping` there.
void Pings::lost(PeerOpening& peer, Error error) {
  if (!waits(peer)) return;
  peer.record()->silent = error.code != lightningd::code::not_connected;
  peer.fail("fundchannel_complete", std::move(error));
}

}  // namespace roster
