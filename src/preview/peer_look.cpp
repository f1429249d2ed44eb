#include "preview/peer_look.hpp"

#include <utility>
#include <vector>

namespace preview {

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
/// an opening that another program has begun meanwhile. Other refusals are let be, and a lightningd that is too busy
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

PeerLook::PeerLook(const peers::Process& process, context::Calls calls, const request::Destination& destination)
    : process_(process),
      calls_(std::move(calls)),
      destination_(destination),
      connection_(*this, calls_, {process.connects, process.node.connects}, destination) {}

void PeerLook::connect(bool connected_before, spark::Completion completion) {
  step_ = std::move(completion);
  to_hang_up_ = !connected_before;
  connected_before ? connection_.ask() : connection_.connect();
}

// What comes too late would leave the peer connected.
peers::Connection::Owner::Late PeerLook::late() {
  return [&runtime = process_.runtime, client = calls_.client, &book = process_.book, peer = destination_.id,
          hang_up = to_hang_up_](const Result<Connected>& answer) {
    if (answer && hang_up) disconnect_unused(runtime, client, book, peer, [] {});
  };
}

void PeerLook::connected(const Result<Connected>& answer) {
  if (answer) {
    features_ = answer->features;
  } else {
    failure_ = report::PeerFailure{report::PeerMethod::connect, answer.error()};
    to_hang_up_ = false;
  }
  step_done();
}

void PeerLook::expired(Error error) {
  failure_ = report::PeerFailure{report::PeerMethod::connect, std::move(error)};
  step_done();
}

void PeerLook::hang_up(spark::Scope& scope, spark::Completion completion) {
  connection_.leave();
  step_ = std::move(completion);
  if (!to_hang_up_) return step_done();
  disconnect_unused(
      scope.runtime(), calls_.client, process_.book, destination_.id,
      scope.expect<>(
          "disconnect", process_.settings.cleanup_timeout, [this] { step_done(); }, [this] { step_done(); }));
}

void PeerLook::step_done() {
  auto step = std::exchange(step_, std::nullopt);
  if (step) std::move(*step).done();
}

}  // namespace preview
