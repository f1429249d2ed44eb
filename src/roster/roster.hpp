#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "peers/peer_opening.hpp"
#include "peers/peer_undo.hpp"
#include "request/destination.hpp"
#include "spark/scope.hpp"
#include "wallet/holding.hpp"

namespace roster {

using Peers = std::vector<peers::PeerOpening*>;

/// The peers of a batch: those that are left, those that dropped out, and what undoes their openings. Owned by the
/// Batch, and runs in its scope.
class Roster {
 public:
  /// Makes a record for each destination, in the ledger of `holding` and in the book.
  Roster(peers::BatchContext& context, peers::PeerOpening::Owner& owner, wallet::Holding& holding,
         const std::vector<request::Destination>& destinations);
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;

  /// Connects each, once; those of these indices are connected already. Who is likely to take longest comes first.
  void connect(const std::set<std::size_t>& connected_already);
  /// `then` comes when each is connected or has failed; the other, when this one and something else are done.
  void when_connected(util::Function<void()> then);
  void when_connected(const peers::PeerOpening& peer, const spark::Spark& other, util::Function<void()> then);

  /// Notes that a peer has failed.
  void dropped_out(const peers::PeerOpening& peer) { failed_.push_back(&peer); }
  /// Undoes the peer's opening in whatever stage it is.
  spark::Spark undo(peers::PeerOpening& peer);
  /// Likewise those of all these peers; `gone` is false when a channel of any peer could not be removed meanwhile.
  void undo(const Peers& peers, util::Function<void(bool gone)> then);
  /// When their channels are undone on our side: drops those of them that keep theirs all the same, since they would
  /// refuse another. Gives those that are left.
  [[nodiscard]] Peers without_keepers(const Peers& told, const bitcoin::Txid& dead);
  /// For the user: who may refuse for the sake of an earlier batch.
  [[nodiscard]] std::vector<std::string> cautions() const;
  /// Gives back the places among the connects, when the batch ends.
  void leave();

  [[nodiscard]] Peers live() const;
  /// Those that were told an outpoint, live or not.
  [[nodiscard]] Peers told() const;
  /// Whether its opening is too old to be completed; says so once in a round.
  [[nodiscard]] bool is_too_old(const peers::PeerOpening& peer);
  void new_round() { renewed_.clear(); }
  /// How many of them get anchor channels.
  [[nodiscard]] std::size_t with_anchors(const Peers& peers) const;
  [[nodiscard]] const std::vector<std::unique_ptr<peers::PeerOpening>>& all() const { return peers_; }
  /// In the order in which they dropped out.
  [[nodiscard]] const std::vector<const peers::PeerOpening*>& failed() const { return failed_; }
  /// Adds who has dropped out.
  void tell(report::BatchReport& report) const;

 private:
  [[nodiscard]] Peers slowest_first() const;

  peers::BatchContext& context_;
  wallet::Holding& holding_;
  std::vector<std::unique_ptr<peers::PeerOpening>> peers_;
  std::vector<std::unique_ptr<peers::PeerUndo>> undos_;
  std::vector<const peers::PeerOpening*> failed_;
  std::vector<spark::Spark> connects_;  ///< by the destination's index
  bool channel_remains_ = false;
  std::set<const peers::PeerOpening*> renewed_;  ///< started again for their age in this round
};

}  // namespace roster
