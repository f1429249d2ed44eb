#pragma once

#include <memory>
#include <string>

#include "recovery/removal.hpp"
#include "rivals/abort.hpp"
#include "rivals/dead_outputs.hpp"
#include "rivals/unrecorded_rival.hpp"
#include "waiting/left_batch.hpp"

namespace recovery {

/// That the transaction of a batch never confirms: looks for the proof, or brings it about where the user has aborted
/// the batch; then has its channels and inputs removed. Owned by the Settlement, in whose scope it runs; it makes an
/// Abort, and perhaps a Removal, for each attempt.
class Impossibility {
 public:
  enum class Outcome {
    impossible,  ///< proven, and what could be removed is removed
    sent,        ///< the batch's own transaction is there for good
    later,       ///< neither is sure yet, or something is not removed yet
  };
  /// `why`, when it is `later`: what it waits for.
  using Done = util::Function<void(Outcome, const std::string& why)>;

  explicit Impossibility(waiting::LeftBatch& batch) : batch_(batch), unrecorded_(batch.calls, batch.ledger) {}
  Impossibility(const Impossibility&) = delete;
  Impossibility& operator=(const Impossibility&) = delete;

  /// For a batch that is not aborted: `what` is why it cannot be completed.
  void look_for_rival(const std::string& what, Done done);
  /// Sends the abort's transaction (again), unless the chain says that no more is needed.
  void abort(Done done);

 private:
  /// `found`: what is known so far; `wait`: for what a block has, or for an answer.
  using Undecided = util::Function<void(const std::string& found, bool wait)>;

  void look(Undecided then);
  void look_for_unrecorded(Undecided then);
  void lost(const std::string& what);
  void send_abort();
  void record_abort();
  void reserve_dead_outputs(rivals::DeadOutputs::Own own, lightningd::Reply<void> then);
  void impossible(const std::string& why, std::uint32_t depth);
  void clear_up(bool last_try);
  void later(const std::string& why) { end(Outcome::later, why); }
  void end(Outcome outcome, const std::string& why);

  waiting::LeftBatch& batch_;
  std::unique_ptr<rivals::Abort> abort_;
  rivals::UnrecordedRival unrecorded_;
  std::unique_ptr<rivals::DeadOutputs> dead_;
  std::unique_ptr<Removal> removal_;
  Done done_;
  bool abort_recorded_ = false;  ///< by this
};

}  // namespace recovery
