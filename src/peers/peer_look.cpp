#include "peers/peer_look.hpp"

#include <utility>
#include <vector>

#include "util/str.hpp"

namespace peers {

using lightningd::Client;
using lightningd::Connected;
using lightningd::NodeId;
using lightningd::PeerChannel;
using util::Error;
using util::Result;

namespace {

/// An answer that took longer than this does not tell any more whether the connection is used.
constexpr spark::Duration longest_look{250};

/// Whoever uses the connection keeps it: lightningd itself refuses only because of channels, and would kill
/// an opening that somebody has begun meanwhile. Other refusals are let be, and a lightningd that is too busy
/// to tell keeps the connection.
void disconnect_unused(spark::Runtime& runtime, const Client& client, const ledger::Book& book, const NodeId& peer,
                       util::Function<void()> done) {
  auto look = [&runtime, asked = runtime.now(), client, &book, peer,
               done = std::move(done)](const Result<std::vector<PeerChannel>>& channels) mutable {
    const bool stale = runtime.now() - asked > longest_look;
    if (stale || !channels || !channels->empty() || book.involves(peer)) return done();
    client.disconnect(peer, false, [done = std::move(done)](const Result<void>&) mutable { done(); });
  };
  client.listpeerchannels(peer, std::move(look));
}

}  // namespace

void PeerLook::connect(spark::Scope& scope, bool connected_before, spark::Completion completion) {
  step_ = std::move(completion);
  to_hang_up_ = !connected_before;
  if (connected_before) return ask_connect(scope);
  auto inside = [this, &scope](spark::Gate::Pass place) {
    place_ = std::move(place);
    ask_connect(scope);
  };
  process_.connects.enter(scope.expect<spark::Gate::Pass>(
      "place among the connects", process_.settings.peer_timeout / 2, inside, [this, &scope] { ask_connect(scope); }));
}

// What comes too late would leave the peer connected.
void PeerLook::ask_connect(spark::Scope& scope) {
  scope.after(process_.settings.connect_patience, [this] { place_.leave(); });
  auto late = [&runtime = scope.runtime(), client = client_, &book = process_.book, peer = destination_.id,
               hang_up = to_hang_up_](const Result<Connected>& answer) {
    if (answer && hang_up) disconnect_unused(runtime, client, book, peer, [] {});
  };
  auto attempt = process_.node.connects->begin(destination_.id, destination_.address, scope.runtime().now());
  attempt_ = attempt;
  auto guarded = scope.expect<Result<Connected>>(
      "connect", process_.settings.peer_timeout, [this](const Result<Connected>& answer) { connected(answer); },
      [this, &scope] { expired(scope.runtime().now()); }, std::move(late));
  client_.connect(destination_.id, destination_.address,
                  [&runtime = scope.runtime(), pending = process_.node.connects, peer = destination_.id,
                   attempt = std::move(attempt), guarded = std::move(guarded)](Result<Connected> answer) mutable {
                    pending->answered(peer, std::move(attempt), runtime.now());
                    guarded(std::move(answer));
                  });
}

void PeerLook::connected(const Result<Connected>& answer) {
  if (answer) {
    features_ = answer->features;
  } else {
    failure_ = report::PeerFailure{"connect", answer.error()};
    to_hang_up_ = false;
  }
  step_done();
}

void PeerLook::expired(spark::Duration now) {
  const auto seconds = process_.settings.peer_timeout.count() / 1000;
  const auto attempt = attempt_.lock();
  const auto earlier = attempt ? process_.node.connects->earlier(destination_.id, attempt, now) : "";
  failure_ = report::PeerFailure{
      "connect",
      Error{-1, util::str("timeout: the peer did not answer connect within ", seconds, " seconds", earlier), {}}};
  step_done();
}

void PeerLook::hang_up(spark::Scope& scope, spark::Completion completion) {
  place_.leave();
  step_ = std::move(completion);
  if (!to_hang_up_) return step_done();
  disconnect_unused(
      scope.runtime(), client_, process_.book, destination_.id,
      scope.expect<>(
          "disconnect", process_.settings.cleanup_timeout, [this] { step_done(); }, [this] { step_done(); }));
}

void PeerLook::step_done() {
  place_.leave();
  auto step = std::exchange(step_, std::nullopt);
  if (step) std::move(*step).done();
}

}  // namespace peers
