#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "batch/policies.hpp"
#include "checks/coin_look.hpp"
#include "checks/preparation.hpp"
#include "funding/funding_transaction.hpp"
#include "journal/journal.hpp"
#include "peers/node_facts.hpp"
#include "peers/peer_opening.hpp"
#include "peers/peer_undo.hpp"
#include "peers/process.hpp"
#include "report/batch_report.hpp"
#include "report/batch_watch.hpp"
#include "report/details.hpp"
#include "request/request.hpp"
#include "sending/broadcast.hpp"
#include "wallet/asking.hpp"
#include "wallet/holding.hpp"

namespace batch {

/// One multifundchannel command, phases in protocol order from top to bottom. Ends with one call of
/// `done`; what its ledger still holds then is the Undo's business. Owned by the Service.
///
///   feerates -> reserve coins || connect each -> start each -> [propose again if a peer dropped out]
///            -> complete each -> all secured -> sign -> all still there -> send [-> set policies]
///
/// Before each step with effects the ledger is saved to the journal, and the step waits for that.
///
/// A peer that fails in connect or start costs only itself. A failed complete costs those that were
/// told the same transaction: they are cancelled and started again.
class Batch final : private peers::PeerOpening::Owner, private sending::Broadcast::Owner {
 public:
  using Done = util::Function<void(util::Result<std::string> answer)>;

  /// `ledger` is new and has the batch's id; `journal` is that batch's. `watch` outlives it.
  struct Order {
    request::Request request;
    report::BatchWatch& watch;
    std::uint64_t seed = 0;  ///< of the order of the outputs
  };

  Batch(const peers::Process& process, lightningd::Client client, Order order, journal::Kept kept);
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// Call once. `done` comes from the ready queue and may destroy the batch.
  void run(Done done);
  /// Ends the batch with this error, unless the transaction was handed to lightningd already: then
  /// it goes on.
  void abort(const util::Error& error);

  /// A block came: reservations that would end soon are extended while peers are waited for.
  void block_added(std::uint32_t height);

  [[nodiscard]] const std::shared_ptr<ledger::Ledger>& ledger() const { return ledger_; }
  [[nodiscard]] const std::string& label() const { return label_; }
  /// As it stands now, with the state left open.
  [[nodiscard]] report::BatchReport report() const;

 private:
  using Peers = std::vector<peers::PeerOpening*>;

  void peer_failed(peers::PeerOpening& peer) override;

  /// Announces the phase in the journal; `then` runs when that is on disk.
  void save(ledger::BatchPhase phase, util::Function<void()> then);
  /// For what changes the reservation in the middle of a phase.
  void open_all();
  void reserve(spark::Completion completion);
  void reserved(util::Result<wallet::Proposal> proposal, spark::Completion completion);
  void refused(const util::Error& error, spark::Completion completion);
  void funded(wallet::Proposal proposal, spark::Completion completion);
  [[nodiscard]] spark::Spark open(peers::PeerOpening& peer);

  void all_started();
  [[nodiscard]] Peers stale();
  void propose_again();
  void build();
  void announce();
  void hold_coins(util::Function<void()> then);
  void stop_waiting(util::Function<void()> then);
  [[nodiscard]] bool still_ours(const util::Result<wallet::Holding::Taken>& taken);
  void complete_all();
  void complete(peers::PeerOpening& peer, std::uint32_t outnum, spark::Completion completion);
  void all_answered();
  void start_over();
  void forget_transaction();
  void reopen(const Peers& peers);
  void restart(const Peers& peers);

  void broadcast();
  void sent(const std::string& tx) override;
  void channels_vanished() override;
  void not_sent(const util::Error& error) override;

  spark::Spark undo(peers::PeerOpening& peer);
  /// Into the log and the details.
  void warn(const std::optional<std::string>& caution);
  void fail(util::Error error);
  void finish(util::Result<std::string> answer);

  [[nodiscard]] ledger::FundingPlan plan() const;
  [[nodiscard]] const report::Details* details() const { return details_ ? &*details_ : nullptr; }
  [[nodiscard]] Peers live() const;
  [[nodiscard]] wallet::Payees payees() const;
  [[nodiscard]] bitcoin::Sat amount_of(const peers::PeerOpening& peer) const;
  [[nodiscard]] util::Result<void> check_cost(const wallet::Proposal& proposal) const;
  [[nodiscard]] bool anchors_negotiated() const;

  const request::Request request_;
  ledger::Book& book_;
  const peers::NodeFacts node_;
  const std::string label_;
  std::mt19937_64 random_;
  Done done_;
  std::shared_ptr<ledger::Ledger> ledger_;
  std::shared_ptr<journal::Journal> journal_;
  std::optional<report::Details> details_;

  spark::Scope scope_;
  peers::BatchContext context_;
  checks::Preparation preparation_;
  wallet::Holding holding_;
  wallet::Asking asking_;
  checks::CoinLook coin_look_;
  Policies policies_;
  std::vector<std::unique_ptr<peers::PeerOpening>> peers_;
  std::vector<std::unique_ptr<peers::PeerUndo>> undos_;
  std::vector<const peers::PeerOpening*> failed_;  ///< in the order in which they dropped out

  wallet::Asking::Choice choice_;
  std::set<std::size_t> connected_already_;  ///< destinations that were connected before we came
  std::vector<spark::Spark> connects_;
  std::optional<spark::Spark> funded_;
  std::optional<wallet::Proposal> proposal_;
  Peers proposed_for_;
  std::optional<funding::FundingTransaction> transaction_;
  std::unique_ptr<spark::Gate> completes_;
  std::unique_ptr<sending::Broadcast> broadcast_;
  std::set<const peers::PeerOpening*> renewed_;  ///< started again for their age in this round: once is enough
  bool completing_ = false;
  bool stop_completes_ = false;  ///< a complete failed: the others would be for a dead transaction
  bool undo_remains_ = false;
  bool waits_for_peers_ = false;  ///< with the inputs reserved; nothing else deals with them
  bool extending_ = false;        ///< their reservation, meanwhile
  util::Function<void()> when_extended_;
};

}  // namespace batch
