#pragma once

#include <map>
#include <memory>
#include <optional>

#include "peers/peer_opening.hpp"
#include "roster/roster.hpp"
#include "spark/scope.hpp"
#include "util/function.hpp"

namespace roster {

/// Whether peers that have started and are waiting for the others are still there. One that is not is dropped while
/// that costs nobody but itself: before any peer is told the transaction, or before the wave that it belongs to. Owned
/// by the Batch, and runs in its scope.
class Pings {
 public:
  Pings(peers::BatchContext& context, const Roster& roster) : context_(context), roster_(roster) {}
  Pings(const Pings&) = delete;
  Pings& operator=(const Pings&) = delete;

  /// From now on a peer that was not heard of for a while is pinged.
  void watch();
  void stop_watching() { watching_ = false; }
  /// lightningd says that the peer's connection has ended. It may have another one by now, but not its opening.
  void disconnected(const lightningd::NodeId& peer);
  /// Pings these now. Nobody waits for the answers.
  void ask(const Peers& peers);
  /// `then` comes when each of those that were not heard of for a while has answered, or was dropped.
  void await_quiet(const Peers& peers, util::Function<void()> then);
  /// Likewise of those that were not heard of for a moment or are being pinged.
  void await(const Peers& peers, util::Function<void()> then);

 private:
  /// Of one peer.
  struct Ping {
    [[nodiscard]] bool in_flight() const { return answered && !answered->completed(); }

    std::optional<spark::Spark> answered;  ///< once it was sent
    std::shared_ptr<spark::Duration> heard =
        std::make_shared<spark::Duration>();  ///< when: a late answer writes it, too
    spark::Duration looked{};                 ///< at its connection, where pings tell nothing
  };
  /// One that is in flight.
  struct Asked {
    peers::PeerOpening& peer;
    spark::Duration at;
    std::shared_ptr<spark::Completion> completion;
  };

  void look();
  void look_at_opening(peers::PeerOpening& peer);
  [[nodiscard]] bool is_quiet(const peers::PeerOpening& peer, spark::Duration age);
  [[nodiscard]] spark::Duration patience() const;
  spark::Spark ask(peers::PeerOpening& peer);
  void send(const Asked& asked);
  void answered(const Asked& asked, const util::Result<void>& answer);
  void look_at_connection(const Asked& asked);
  void expired(const Asked& asked, bool again = false);
  void end(const Asked& asked);
  void hung_up(peers::PeerOpening& peer, spark::Duration asked);
  void lost(peers::PeerOpening& peer, spark::Duration asked, util::Error error);

  peers::BatchContext& context_;
  const Roster& roster_;
  std::map<const peers::PeerOpening*, Ping> pings_;
  bool watching_ = false;
  bool looking_ = false;  ///< a timer runs
};

}  // namespace roster
