#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "context/calls.hpp"
#include "journal/journal.hpp"
#include "jsonrpc/caller.hpp"
#include "peers/process.hpp"
#include "recovery/settlement.hpp"
#include "report/ended_batches.hpp"

namespace left {

/// The batches that no command runs any more, by their ids: those that a Settlement brings to an end, those whose
/// record is kept but not acted on, and those that have ended. Owned by the Service.
class LeftBatches {
 public:
  /// `settings` may change later; `process` has those of no batch.
  LeftBatches(peers::Process process, jsonrpc::Caller& caller, const context::Settings& settings)
      : process_(std::move(process)), caller_(caller), settings_(settings) {}
  LeftBatches(const LeftBatches&) = delete;
  LeftBatches& operator=(const LeftBatches&) = delete;

  /// Settles it, after `delay`. `looked`, which may be empty, comes when the first attempt is over.
  void settle(journal::Kept kept, report::BatchReport report, spark::Duration delay, util::Function<void()> looked);
  /// Settles again what was stopped, after a pause.
  void settle_again(const recovery::Settlement& stopped);
  /// nullptr when it is not being settled.
  [[nodiscard]] recovery::Settlement* settling(const std::string& id) const;
  /// Takes it out; nullptr when it is not being settled.
  [[nodiscard]] std::unique_ptr<recovery::Settlement> take(const std::string& id);
  /// lightningd has seen a block.
  void block_added() {
    for (const auto& [id, settlement] : settlements_) settlement->block_added();
  }
  /// At the end of the process: their records stay for the next start.
  void leave() {
    for (const auto& [id, settlement] : settlements_) settlement->leave();
    settlements_.clear();
  }

  /// Its record is kept and shown, never acted on: why not.
  void add_unreadable(const std::string& id, const std::string& why);
  /// All records have been read; those that did not fit are told again by each reading.
  void all_read() { more_unreadable_ = std::exchange(counted_, 0); }
  void remove_unreadable(const std::string& id) { unreadable_.erase(id); }
  /// nullptr when there is no such record.
  [[nodiscard]] const std::string* why_unreadable(const std::string& id) const;

  void add_ended(report::BatchReport report);
  /// `ended` is told of each that has ended, before it can be asked for.
  void when_ended(std::function<void(const report::BatchReport&)> ended) { told_ended_ = std::move(ended); }
  /// nullptr when it has not.
  [[nodiscard]] const report::BatchReport* ended(const std::string& id) const { return ended_.find(id); }
  [[nodiscard]] bool has_ended(const std::string& id) const { return ended_.find(id) != nullptr; }

  /// Whether there is a record of it.
  [[nodiscard]] bool has_record(const std::string& id) const {
    return settlements_.contains(id) || unreadable_.contains(id);
  }
  /// All of them and those that are `running`, in the order in which they were begun.
  [[nodiscard]] std::vector<report::BatchReport> reports(std::vector<report::BatchReport> running) const;
  /// For the caller who named a batch that is not being settled: why there is nothing to abort.
  [[nodiscard]] util::Error not_unsettled(const std::string& id) const;
  /// Nobody knows it.
  [[nodiscard]] static util::Error unknown(const std::string& id);

  /// How lightningd is called for a command that is about them; `origin` is the command's raw id.
  [[nodiscard]] context::Calls calls(spark::Scope& scope, const std::string& origin) const;
  /// For a batch that no command runs: the ids of its calls begin with the batch's.
  [[nodiscard]] lightningd::Client client_of(const std::string& id) const;
  [[nodiscard]] spark::Runtime& runtime() const { return process_.runtime; }
  [[nodiscard]] const ledger::Book& book() const { return process_.book; }

 private:
  void settled(const std::string& id);

  const peers::Process process_;
  jsonrpc::Caller& caller_;
  const context::Settings& settings_;
  std::map<std::string, std::unique_ptr<recovery::Settlement>> settlements_;
  std::map<std::string, std::string> unreadable_;
  std::size_t counted_ = 0;          ///< more of them, in the present reading
  std::size_t more_unreadable_ = 0;  ///< likewise in the last one
  report::EndedBatches ended_;
  std::function<void(const report::BatchReport&)> told_ended_;
};

}  // namespace left
