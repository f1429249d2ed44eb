#pragma once

#include <memory>
#include <optional>
#include <string>

#include "batch/undo.hpp"
#include "ledger/ledger.hpp"
#include "waiting/left_batch.hpp"

namespace recovery {

/// Undoes what the record of a batch tells of, until a pass finds nothing. Each pass goes by the record and not by the
/// ledger: what a finished one calls gone may come back when a call that lightningd had read already is carried out.
/// Owned by the Settlement, in whose scope it runs; each pass is a batch::Undo with a scope of its own.
class RecordUndo {
 public:
  /// Nothing was there, or an error that says why it is to be tried again.
  using Done = util::Function<void(const util::Result<void>&)>;

  explicit RecordUndo(waiting::LeftBatch& batch) : batch_(batch) {}
  RecordUndo(const RecordUndo&) = delete;
  RecordUndo& operator=(const RecordUndo&) = delete;

  /// `done` comes from the ready queue or a reply, or at once. Call it again only when that has come.
  void run(Done done);
  /// Ends a pass where it stands; `done` does not come.
  void stop() { undo_.reset(); }

 private:
  void pass();
  void undone(bool clean);
  void keep_for_channel();
  void undid();
  void record_that_it_failed();
  void save(const ledger::Ledger& renewed, lightningd::Reply<void> saved);
  void later(const std::string& why);
  void end(const util::Result<void>& result);
  [[nodiscard]] bool in_flight() const;

  waiting::LeftBatch& batch_;
  Done done_;
  std::unique_ptr<batch::Undo> undo_;
  std::shared_ptr<ledger::Ledger> undoing_;     ///< the copy that `undo_` works on
  bool coins_wait_ = false;                     ///< they were left out of it
  std::optional<spark::Duration> waits_since_;  ///< for a call that frees the copy's
};

}  // namespace recovery
