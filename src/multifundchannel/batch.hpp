#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "funding/funding_transaction.hpp"
#include "funding/request.hpp"
#include "multifundchannel/batch_report.hpp"
#include "multifundchannel/batch_watch.hpp"
#include "multifundchannel/broadcast.hpp"
#include "multifundchannel/coin_look.hpp"
#include "multifundchannel/coins.hpp"
#include "multifundchannel/details.hpp"
#include "multifundchannel/journal.hpp"
#include "multifundchannel/node_facts.hpp"
#include "multifundchannel/peer_opening.hpp"
#include "multifundchannel/peer_undo.hpp"
#include "multifundchannel/policies.hpp"
#include "multifundchannel/preparation.hpp"

namespace multifundchannel {

/// One multifundchannel command, phases in protocol order from top to bottom. Ends with one call of
/// `done`; what its ledger still holds then is the Undo's business. Owned by the Service.
///
///   feerates -> reserve coins || connect each -> start each -> [propose anew if a peer dropped out]
///            -> complete each -> all secured -> sign -> all still there -> send [-> set policies]
///
/// Before each step with effects the ledger is saved to the journal, and the step waits for that.
///
/// A peer that fails in connect or start costs only itself. A failed complete costs those that were
/// told the same transaction: they are cancelled and started again.
class Batch final : private PeerOpening::Owner, private Broadcast::Owner {
 public:
  using Done = util::Function<void(util::Result<std::string> answer)>;

  /// `ledger` is new and has the batch's id; `journal` is that batch's. `watch` outlives it.
  Batch(spark::Runtime& runtime, lightningd::Client client, const Settings& settings, spark::Gate& connects,
        funding::Book& book, const NodeFacts& node, funding::Request request, std::string label, BatchWatch& watch,
        std::shared_ptr<funding::Ledger> ledger, std::shared_ptr<Journal> journal, std::uint64_t seed);
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// Call once. `done` comes from the ready queue and may destroy the batch.
  void run(Done done);
  /// Ends the batch with this error, unless the transaction was handed to lightningd already: then
  /// it goes on.
  void abort(const util::Error& error);

  /// A block came: reservations that would end soon are extended while peers are waited for.
  void block_added(std::uint32_t height);

  [[nodiscard]] const std::shared_ptr<funding::Ledger>& ledger() const { return ledger_; }
  [[nodiscard]] const std::string& label() const { return label_; }
  /// As it stands now, with the state left open.
  [[nodiscard]] BatchReport report() const;

 private:
  using Peers = std::vector<PeerOpening*>;

  void peer_failed(PeerOpening& peer) override;

  /// Announces the phase in the journal; `then` runs when that is on disk.
  void save(funding::BatchPhase phase, util::Function<void()> then);
  /// For what changes the reservation in the middle of a phase.
  void open_all();
  void reserve(spark::Completion completion);
  void reserved(util::Result<Proposal> proposal, spark::Completion completion);
  void refused(const util::Error& error, spark::Completion completion);
  void funded(Proposal proposal, spark::Completion completion);
  [[nodiscard]] spark::Spark open(PeerOpening& peer);

  void all_started();
  [[nodiscard]] Peers stale();
  void propose_anew();
  void build();
  void announce();
  void hold_coins(util::Function<void()> then);
  void stop_waiting(util::Function<void()> then);
  [[nodiscard]] bool still_ours(const util::Result<Coins::Taken>& taken);
  void complete_all();
  void complete(PeerOpening& peer, std::uint32_t outnum, spark::Completion completion);
  void all_answered();
  void start_over();
  void forget_transaction();
  void reopen(const Peers& peers);
  void restart(const Peers& peers);

  void broadcast();
  void sent(const std::string& tx) override;
  void channels_vanished() override;
  void not_sent(const util::Error& error) override;

  spark::Spark undo(PeerOpening& peer);
  /// Into the log and the details.
  void warn(const std::optional<std::string>& caution);
  void fail(util::Error error);
  void finish(util::Result<std::string> answer);

  [[nodiscard]] funding::FundingPlan plan() const;
  [[nodiscard]] const Details* details() const { return details_ ? &*details_ : nullptr; }
  [[nodiscard]] Peers live() const;
  [[nodiscard]] Payees payees() const;
  [[nodiscard]] lightningd::Sat amount_of(const PeerOpening& peer) const;
  [[nodiscard]] util::Result<void> check_cost(const Proposal& proposal) const;
  [[nodiscard]] bool anchors_negotiated() const;

  const funding::Request request_;
  const Settings settings_;
  funding::Book& book_;
  const NodeFacts node_;
  const std::string label_;
  std::mt19937_64 random_;
  Done done_;
  std::shared_ptr<funding::Ledger> ledger_;
  std::shared_ptr<Journal> journal_;
  std::optional<Details> details_;

  spark::Scope scope_;
  BatchContext context_;
  Preparation preparation_;
  Coins coins_;
  CoinLook coin_look_;
  Policies policies_;
  std::vector<std::unique_ptr<PeerOpening>> peers_;
  std::vector<std::unique_ptr<PeerUndo>> undos_;
  std::vector<const PeerOpening*> failed_;  ///< in the order in which they dropped out

  Coins::Choice choice_;
  std::set<std::size_t> connected_already_;  ///< destinations that were connected before we came
  std::vector<spark::Spark> connects_;
  std::optional<spark::Spark> funded_;
  std::optional<Proposal> proposal_;
  Peers proposed_for_;
  std::optional<funding::FundingTransaction> transaction_;
  std::unique_ptr<spark::Gate> completes_;
  std::unique_ptr<Broadcast> broadcast_;
  std::set<const PeerOpening*> renewed_;  ///< started anew for their age in this round: once is enough
  bool completing_ = false;
  bool stop_completes_ = false;  ///< a complete failed: the others would be for a dead transaction
  bool undo_remains_ = false;
  bool waits_for_peers_ = false;  ///< with the inputs reserved; nothing else deals with them
  bool extending_ = false;        ///< their reservation, meanwhile
  util::Function<void()> when_extended_;
};

}  // namespace multifundchannel
