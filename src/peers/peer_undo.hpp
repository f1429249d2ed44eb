#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "context/calls.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"
#include "wallet/holding.hpp"

namespace peers {

/// Undoes one peer's opening, whatever stage it is in, and ends when lightningd shows nothing of it
/// any more. Goes by what listpeerchannels shows, not by what calls answer: fundchannel_cancel is
/// peer-wide and takes the peer's first channel that awaits lock-in, so it is used only where that
/// is ours, and it may never answer.
///
/// Owned by whoever undoes (an Undo, or the Roster of a batch that drops a peer), within whose scope it runs.
class PeerUndo {
 public:
  enum class Outcome {
    gone,             ///< nothing of ours is left at lightningd
    opening_remains,  ///< an opening that knows no outpoint could not be removed, or may still come; logged
    channel_remains,  ///< the same of a channel, which has a claim on the inputs
  };
  using Done = util::Function<void(Outcome)>;

  /// `holding` is that of the batch, and runs in the same scope.
  PeerUndo(context::Calls calls, ledger::Book& book, wallet::Holding& holding,
           std::shared_ptr<ledger::OpeningRecord> record);
  PeerUndo(const PeerUndo&) = delete;
  PeerUndo& operator=(const PeerUndo&) = delete;

  /// Call once. `done` comes from the ready queue or a reply.
  void run(Done done);
  /// Whether there was anything to remove.
  [[nodiscard]] bool found() const { return found_; }

 private:
  /// What of ours lightningd still shows for this peer.
  struct Evidence {
    const lightningd::PeerChannel* uncommitted = nullptr;  ///< our opening without an outpoint
    const lightningd::PeerChannel* committed = nullptr;    ///< the channel with our outpoint
    bool cancel_hits_committed = false;                    ///< it is what fundchannel_cancel would take first
    bool other_awaits_lockin = false;                      ///< a channel that is not ours might be hit by a cancel
  };

  void await_answer();
  void answered();
  void drop_peer();
  void look();
  void list(lightningd::Reply<std::vector<lightningd::PeerChannel>> then);
  void judge(const util::Result<std::vector<lightningd::PeerChannel>>& channels);
  [[nodiscard]] Evidence find(const std::vector<lightningd::PeerChannel>& channels) const;
  void pause();
  void remove(const Evidence& evidence);
  void wait_for_other();
  void remove_uncommitted(const Evidence& evidence);
  void remove_committed(const Evidence& evidence);
  void cancel();
  void close(const lightningd::ChannelId& channel);
  void nothing_left();
  void give_up(bool channel);
  void finish(Outcome outcome);

  /// A reply handler that looks again, whatever the reply or its absence.
  [[nodiscard]] lightningd::Reply<void> then_look(const char* what);

  context::Calls calls_;
  ledger::Book& book_;
  wallet::Holding& holding_;
  const std::shared_ptr<const ledger::Ledger> ledger_;
  std::shared_ptr<ledger::OpeningRecord> record_;
  Done done_;
  std::optional<bitcoin::Outpoint> told_;  ///< what the peer knows, or may know since a crash
  int tries_ = 0;
  bool found_ = false;
  spark::Gate::Pass closing_;  ///< while a close is not answered
  spark::Duration waited_{0};  ///< for another batch's start with the same peer
};

}  // namespace peers
