#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/undo.hpp"
#include "funding/commitment.hpp"
#include "journal/journal.hpp"
#include "peers/process.hpp"
#include "report/batch_watch.hpp"
#include "roster/roster.hpp"

namespace preview {

/// Asks peers whether they would open a channel: fundchannel_start, which is undone at once. No coin is touched and no
/// peer is told a transaction. Recorded in the journal as a batch's openings are, so that a crash leaves nothing. Owned
/// by the Service.
class Inquiry final : private peers::PeerOpening::Owner {
 public:
  struct Order {
    std::vector<request::Destination> destinations;  ///< of peers that are connected, each with the amount to ask for
    std::string commitment_feerate;                  ///< empty: lightningd's default
    funding::Commitment commitment;
  };
  struct Answer {
    std::optional<report::PeerFailure> failure;  ///< why it would not
    lightningd::Started terms;                   ///< else

    /// Whether it was asked at all.
    [[nodiscard]] bool asked() const { return !failure || failure->method != not_asked; }
  };
  /// The method of those failures that are not the peer's.
  static constexpr auto not_asked = report::PeerMethod::check;
  /// By the destination's index. Who has not answered is left out.
  using Answers = std::map<std::size_t, Answer>;
  using Done = util::Function<void(Answers answers, bool settled)>;

  Inquiry(const peers::Process& process, lightningd::Client client, Order order, journal::Kept kept);
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;

  /// Call once. `done` comes from the ready queue and may destroy this; unless it is settled, the record is still
  /// there, and so may be an opening.
  void run(Done done);
  /// Asks nobody any more, and undoes what there is.
  void abort();

  [[nodiscard]] journal::Kept kept() const { return {ledger_, journal_}; }

 private:
  void ask_all();
  void ask(peers::PeerOpening& peer, spark::Completion completion);
  void look_at_channels(peers::PeerOpening& peer, spark::Completion completion);
  void start(peers::PeerOpening& peer, spark::Completion completion);
  void undo(peers::PeerOpening& peer, spark::Completion completion);
  void undo_rest();
  void end(bool settled);
  [[nodiscard]] Answers answers() const;
  void peer_failed(peers::PeerOpening& peer) override { roster_.dropped_out(peer); }
  [[nodiscard]] wallet::Holding::Save saving(spark::Scope& scope);

  const peers::Process process_;
  const lightningd::Client client_;
  std::vector<request::Destination> destinations_;  ///< with indices of their own
  std::vector<std::size_t> indices_;                ///< what these are to the caller
  const std::shared_ptr<ledger::Ledger> ledger_;
  const std::shared_ptr<journal::Journal> journal_;
  Done done_;
  report::BatchWatch watch_;
  spark::Scope scope_;
  peers::BatchContext context_;
  wallet::Holding holding_;
  roster::Roster roster_;
  bool undoing_ = false;
  std::unique_ptr<batch::Undo> undo_;
  spark::Scope ending_;  // of what comes when the asking is over; last, so that it ends first
};

}  // namespace preview
