#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "context/calls.hpp"
#include "lightningd/client.hpp"
#include "peers/pending_connects.hpp"
#include "request/request.hpp"
#include "spark/gate.hpp"
#include "spark/scope.hpp"

namespace peers {

/// How a batch or a preview connects to one peer: with a place among the connects in flight, and a deadline. It may do
/// so again. Owned by the PeerOpening or the PeerLook, and runs in the scope of its calls.
class Connection {
 public:
  /// With the connects to all other peers.
  struct Shared {
    spark::Gate& places;
    std::shared_ptr<PendingConnects> pending;
  };

  class Owner {
   public:
    using Late = util::Function<void(util::Result<lightningd::Connected>)>;

    virtual void connected(const util::Result<lightningd::Connected>& answer) = 0;
    /// There was no answer in time. lightningd may still connect.
    virtual void expired(util::Error error) = 0;
    /// Gets an answer that comes too late, as in Scope::expect.
    [[nodiscard]] virtual Late late() { return nullptr; }

   protected:
    ~Owner() = default;
  };

  Connection(Owner& owner, context::Calls calls, Shared shared, const request::Destination& destination)
      : owner_(owner), calls_(std::move(calls)), shared_(std::move(shared)), destination_(destination) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Waits for a place, then connects.
  void connect();
  /// A peer that is connected already needs no place: it only says its features.
  void ask();
  /// Gives back its place, when the batch or the preview ends.
  void leave() { place_.leave(); }

 private:
  void answered(const util::Result<lightningd::Connected>& answer);
  void expired();

  Owner& owner_;
  const context::Calls calls_;
  const Shared shared_;
  const request::Destination& destination_;
  spark::Gate::Pass place_;
  std::uint32_t asked_ = 0;  ///< so that the patience for one connect does not end another's place
  std::weak_ptr<const PendingConnects::Attempt> attempt_;  ///< the last one
};

/// That a peer has not answered this call in time.
[[nodiscard]] util::Error timeout(std::string_view method, spark::Duration time);

}  // namespace peers
