#include "peers/connection.hpp"

#include <utility>

#include "util/str.hpp"

namespace peers {

using lightningd::Connected;
using util::Error;
using util::Result;

// Behind many addresses that do not answer, nobody waits for ever.
void Connection::connect() {
  auto inside = [this](spark::Gate::Pass place) {
    place_ = std::move(place);
    ask();
  };
  shared_.places.enter(calls_.scope.expect<spark::Gate::Pass>(
      "place among the connects", calls_.settings.peer_timeout / 2, inside, [this] { ask(); }));
}

// An address that does not answer gives its place to the next after a while and waits on outside.
void Connection::ask() {
  auto& scope = calls_.scope;
  scope.after(calls_.settings.connect_patience, [this, asked = ++asked_] {
    if (asked == asked_) place_.leave();
  });
  auto attempt = shared_.pending->begin(destination_.id, destination_.address, scope.runtime().now());
  attempt_ = attempt;
  auto guarded = scope.expect<Result<Connected>>(
      "connect", calls_.settings.peer_timeout, [this](const Result<Connected>& answer) { answered(answer); },
      [this] { expired(); }, owner_.late());
  calls_.client.connect(destination_.id, destination_.address,
                        [&runtime = scope.runtime(), pending = shared_.pending, peer = destination_.id,
                         attempt = std::move(attempt), guarded = std::move(guarded)](Result<Connected> answer) mutable {
                          pending->answered(peer, std::move(attempt), runtime.now());
                          guarded(std::move(answer));
                        });
}

void Connection::answered(const Result<Connected>& answer) {
  place_.leave();
  owner_.connected(answer);
}

void Connection::expired() {
  place_.leave();
  auto error = timeout("connect", calls_.settings.peer_timeout);
  if (const auto attempt = attempt_.lock()) {
    error.message += shared_.pending->earlier(destination_.id, attempt, calls_.scope.runtime().now());
  }
  owner_.expired(std::move(error));
}

Error timeout(std::string_view method, spark::Duration time) {
  return {-1, util::str("timeout: the peer did not answer ", method, " within ", time.count() / 1000, " seconds"), {}};
}

}  // namespace peers
