#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/batch.hpp"
#include "batch/undo.hpp"
#include "peers/process.hpp"
#include "plugin/plugin.hpp"

namespace batch {

/// One command from its arrival until nothing of it is left: the batch, the undo that follows it,
/// and the one reply. The reply waits for the undo, but not longer than a grace: what hangs is
/// finished behind it, and what cannot be finished is left to a Settlement. Owned by the Service, which
/// destroys it when `finished` was called.
class CommandRun {
 public:
  struct Parts {
    plugin::Command command;
    std::unique_ptr<report::BatchWatch> watch;  ///< before the batch, which refers to it
    std::unique_ptr<Batch> batch;
    std::shared_ptr<journal::Journal> journal;
  };

  CommandRun(const peers::Process& process, lightningd::Client client, Parts parts);
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;

  /// Call once. `finished` comes from the ready queue and may destroy this; with `settled` the journal
  /// has no record any more.
  void run(util::Function<void(bool settled)> finished);
  /// Another call for this batch: it gets the same answer.
  void join(plugin::Command command);
  /// Nothing when it has none yet.
  [[nodiscard]] const std::optional<util::Result<std::string>>& answer() const { return answer_; }
  /// Whether it has failed and never is sent, whatever happens: the same call may open again.
  [[nodiscard]] bool gave_up() const;
  /// Ends the batch, unless its transaction was handed to lightningd already, and tells its caller that the plugin
  /// was stopped and what became of the batch.
  void stop();
  void block_added(std::uint32_t height) { batch_->block_added(height); }
  void disconnected(const lightningd::NodeId& peer) { batch_->disconnected(peer); }
  /// Answers the caller, and leaves the batch to be settled at the next start.
  void leave();

  [[nodiscard]] report::BatchReport report() const;
  [[nodiscard]] const std::shared_ptr<ledger::Ledger>& ledger() const { return batch_->ledger(); }
  [[nodiscard]] const std::shared_ptr<journal::Journal>& journal() const { return journal_; }
  [[nodiscard]] const report::Timeline& timeline() const { return *watch_->timeline(); }

 private:
  void answered(util::Result<std::string> answer);
  void record_failure(int tries);
  void reply_soon();
  void undo();
  void undone(bool clean);
  void warn_of_completion();
  void say_what_was_undone();
  void finish(bool settled);
  void reply();
  void announce();
  void tell(plugin::Command& command);

  peers::Process process_;
  lightningd::Client client_;
  plugin::Command command_;
  std::vector<plugin::Command> joined_;
  std::unique_ptr<report::BatchWatch> watch_;  // before the batch, which refers to it
  std::unique_ptr<Batch> batch_;
  std::shared_ptr<journal::Journal> journal_;
  std::unique_ptr<Undo> undo_;
  std::optional<util::Result<std::string>> answer_;
  bool replied_ = false;
  bool stopped_ = false;
  bool undone_ = false;                                   ///< all of it
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // an answer on its way looks here
  util::Function<void(bool)> finished_;
  spark::Scope scope_;  // of the grace timer; last, so that it ends first
};

}  // namespace batch
