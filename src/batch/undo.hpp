#pragma once

#include <memory>
#include <string>
#include <vector>

#include "context/calls.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "peers/peer_undo.hpp"
#include "peers/process.hpp"
#include "spark/scope.hpp"
#include "wallet/holding.hpp"

namespace batch {

/// Undoes what a batch has done, from its ledger, in a scope of its own that outlives the batch.
/// Coins that a peer's commitment could still spend stay reserved until that channel is gone.
/// Owned by the CommandRun, or by a RecordUndo for each of its passes.
class Undo {
 public:
  Undo(const peers::Process& process, lightningd::Client client, std::shared_ptr<ledger::Ledger> ledger,
       wallet::Holding::Save save);
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;

  /// Call once. `done` comes from the ready queue, with whether nothing is left; the owner may
  /// destroy this in it.
  void run(util::Function<void(bool clean)> done);
  /// Before run(): the inputs stay as they are, whatever becomes of the rest, since a call about them that was sent
  /// before may still be carried out.
  void leave_coins();
  /// Whether there was anything to undo.
  [[nodiscard]] bool found() const;
  /// Whether a channel that spends the inputs could not be removed.
  [[nodiscard]] bool channel_remains() const { return coins_bound_; }

 private:
  [[nodiscard]] spark::Spark undo_opening(const std::shared_ptr<ledger::OpeningRecord>& record);
  void release(spark::Completion completion);
  void release_now(spark::Completion completion);

  spark::Scope scope_;
  context::Calls calls_;
  ledger::Book& book_;
  std::shared_ptr<ledger::Ledger> ledger_;
  std::string label_;
  wallet::Holding holding_;
  std::vector<std::unique_ptr<peers::PeerUndo>> peers_;
  util::Function<void(bool)> done_;
  bool coins_bound_ = false;  ///< a channel that could not be removed may spend them
  bool coins_left_ = false;
  bool clean_ = true;
  bool found_coins_ = false;
};

}  // namespace batch
