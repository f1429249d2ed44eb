#pragma once

#include <functional>
#include <memory>
#include <string>

#include "batch/command_run.hpp"
#include "journal/journal.hpp"
#include "labels/labels.hpp"
#include "left/left_batches.hpp"
#include "plugin/plugin.hpp"
#include "report/batch_report.hpp"
#include "request/request.hpp"

namespace app {

/// Calls that name their batch: one batch at most has a label, and whoever calls again gets its answer. Owned by the
/// Service, which tells it of every batch.
class LabelledCalls {
 public:
  /// A batch that runs; nullptr when it does not.
  using Running = std::function<batch::CommandRun*(const std::string& batch)>;
  /// Whether the user has the batch's record removed.
  using Forgets = std::function<bool(const std::string& batch)>;

  LabelledCalls(labels::Labels& labels, left::LeftBatches& left, Running running, Forgets forgets)
      : labels_(labels), left_(left), running_(std::move(running)), forgets_(std::move(forgets)) {}
  LabelledCalls(const LabelledCalls&) = delete;
  LabelledCalls& operator=(const LabelledCalls&) = delete;

  /// All records of batches have been read once.
  void all_read() { all_read_ = true; }
  /// Whether the call is answered, now or by the batch that has its label: then nothing is to be opened for it, and the
  /// command is gone.
  [[nodiscard]] bool takes(plugin::Command& command, const request::Request& request);

  /// The batch's record was found, or will be written for this call.
  void begin(const ledger::Ledger& ledger, const std::shared_ptr<journal::Journal>& journal);
  /// It is about to wait for its user, who may not hear its answer.
  void will_wait(const std::string& batch, const std::string& answer, lightningd::Reply<void> then);
  /// Its command is over.
  void finished(const batch::CommandRun& run);
  /// It has waited, and its user was told that it is sent.
  void sent(const std::string& batch);
  /// Nobody works on it any more.
  void ended(const report::BatchReport& report);

 private:
  void before_removal(const std::string& batch, lightningd::Reply<void> then);
  void answer(plugin::Command command, const labels::Holder& holder) const;

  labels::Labels& labels_;
  left::LeftBatches& left_;
  const Running running_;
  const Forgets forgets_;
  bool all_read_ = false;
};

}  // namespace app
