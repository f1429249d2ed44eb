#pragma once

#include <map>
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
  /// lightningd says that the peer's connection has ended. It may have another one by now.
  void disconnected(const lightningd::NodeId& peer);
  /// Pings these now. Nobody waits for the answers.
  void ask(const Peers& peers);
  /// `then` comes when each of those that were not heard of for a while has answered, or was dropped.
  void await_quiet(const Peers& peers, util::Function<void()> then);
  /// Likewise, and when each that is being pinged has.
  void await(const Peers& peers, util::Function<void()> then);

 private:
  /// Of one peer.
  struct Ping {
    std::optional<spark::Spark> answered;  ///< while it is in flight
    spark::Duration heard{};               ///< of the last answer
  };

  void look();
  [[nodiscard]] bool is_quiet(const peers::PeerOpening& peer) const;
  spark::Spark ask(peers::PeerOpening& peer);
  void send(peers::PeerOpening& peer, spark::Duration give_up_at, spark::Completion completion);
  void answered(peers::PeerOpening& peer, const util::Result<void>& answer, spark::Duration give_up_at,
                spark::Completion completion);
  void look_at_connection(peers::PeerOpening& peer, spark::Duration give_up_at, spark::Completion completion);
  void expired(peers::PeerOpening& peer, spark::Completion completion);
  void end(peers::PeerOpening& peer, spark::Completion completion);
  void hung_up(peers::PeerOpening& peer);
  void lost(peers::PeerOpening& peer, util::Error error);

  peers::BatchContext& context_;
  const Roster& roster_;
  std::map<const peers::PeerOpening*, Ping> pings_;
  bool watching_ = false;
  bool looking_ = false;  ///< a timer runs
};

}  // namespace roster
