#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "batch/funding.hpp"
#include "batch/held_inputs.hpp"
#include "checks/preparation.hpp"
#include "journal/journal.hpp"
#include "peers/node_facts.hpp"
#include "peers/peer_opening.hpp"
#include "peers/process.hpp"
#include "report/batch_report.hpp"
#include "report/batch_watch.hpp"
#include "report/details.hpp"
#include "request/request.hpp"
#include "roster/completing.hpp"
#include "roster/pings.hpp"
#include "roster/roster.hpp"
#include "sending/broadcast.hpp"
#include "sending/policies.hpp"
#include "wallet/holding.hpp"

namespace batch {

/// One multifundchannel command, from its request to its answer: the order of its steps stands in advance(). Ends with
/// one call of `done`; what its ledger still holds then is the Undo's business. Owned by a CommandRun.
///
///   feerates -> reserve coins || connect each -> start each -> [propose again if a peer dropped out]
///            -> all still there -> complete each -> all secured -> sign -> all still there -> send [-> set policies]
///                                                            or -> wait for the user, who finishes or aborts it
///
/// Before each step with effects the ledger is saved to the journal, and the step waits for that.
///
/// A peer that fails in connect or start costs only itself. A failed complete costs those that were
/// told the same transaction: they are cancelled and started again.
class Batch final : private peers::PeerOpening::Owner, private sending::Broadcast::Owner {
 public:
  using Done = util::Function<void(util::Result<std::string> answer)>;
  /// Keeps the answer for who asks again. After an error the batch fails.
  using Keep = util::Function<void(const std::string& answer, lightningd::Reply<void> then)>;

  /// `ledger` is new and has the batch's id; `journal` is that batch's. `watch` outlives it.
  struct Order {
    request::Request request;
    report::BatchWatch& watch;
    std::uint64_t seed = 0;  ///< of the order of the outputs
    Keep keep;               ///< comes before a batch waits for its user
  };

  Batch(const peers::Process& process, lightningd::Client client, Order order, journal::Kept kept);
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// Call once. `done` comes from the ready queue and may destroy the batch.
  void run(Done done);
  /// Ends the batch with this error, unless the transaction was handed to lightningd already: then
  /// it goes on.
  void abort(const util::Error& error) {
    if (!ledger_->sending) fail(error);
  }

  /// A block came: reservations that would end soon are extended while peers are waited for.
  void block_added(std::uint32_t height) { inputs_.block_added(height); }
  /// lightningd has lost a connection.
  void disconnected(const lightningd::NodeId& peer) { pings_.disconnected(peer); }

  [[nodiscard]] const std::shared_ptr<ledger::Ledger>& ledger() const { return ledger_; }
  [[nodiscard]] const std::string& label() const { return label_; }
  /// As it stands now, with the state left open.
  [[nodiscard]] report::BatchReport report() const {
    auto report = report::report_on(*ledger_);
    roster_.tell(report);
    return report;
  }

 private:
  /// What comes next, once what came before it is done.
  enum class Step {
    prepare,
    open,
    fit,  ///< every peer that is left has started; nobody knows an outpoint
    ping,
    build,
    announce,
    take_back,  ///< a peer has hung up while the transaction was recorded
    complete,
    judge,  ///< every peer that is left has answered
    send,
    start_over,  ///< the transaction is dead: a complete has failed, or a channel has vanished
    forget,
  };

  void advance(Step step);
  [[nodiscard]] util::Function<void()> next(Step step);
  [[nodiscard]] util::Function<void()> when_extended(Step step);

  void prepare();
  void open_all();
  void reserve(spark::Completion completion);
  [[nodiscard]] spark::Spark open(peers::PeerOpening& peer);
  void propose_again();
  void restart(const roster::Peers& peers);
  void ping();
  void build();
  void announce();
  void complete_all();
  void secured();
  void wait_for_user();
  void forget_transaction();

  void broadcast();
  void sent(const std::string& tx) override;
  void channels_vanished() override { advance(Step::start_over); }
  void not_sent(const util::Error& error) override { fail(error); }
  void peer_failed(peers::PeerOpening& peer) override;

  /// Announces the phase in the journal; `then` runs when that is on disk.
  void save(ledger::BatchPhase phase, util::Function<void()> then);
  /// Into the log and the details.
  void warn(const std::optional<std::string>& caution);
  void fail(util::Error error) { finish(util::Result<std::string>(std::move(error))); }
  void finish(util::Result<std::string> answer);
  [[nodiscard]] const report::Details* details() const { return details_ ? &*details_ : nullptr; }

  const request::Request request_;
  const peers::NodeFacts node_;
  const std::string label_;
  std::mt19937_64 random_;
  Keep keep_;
  Done done_;
  std::shared_ptr<ledger::Ledger> ledger_;
  std::shared_ptr<journal::Journal> journal_;
  std::optional<report::Details> details_;

  spark::Scope scope_;
  peers::BatchContext context_;
  checks::Preparation preparation_;
  checks::Prepared prepared_;
  wallet::Holding holding_;
  HeldInputs inputs_;
  roster::Roster roster_;
  roster::Pings pings_;
  Funding funding_;
  roster::Completing completing_;
  sending::Policies policies_;
  std::unique_ptr<sending::Broadcast> broadcast_;

  std::optional<spark::Spark> funded_;
};

}  // namespace batch
