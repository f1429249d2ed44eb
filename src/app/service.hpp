#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "announcing/announcer.hpp"
#include "app/bump_target.hpp"
#include "app/inquiries.hpp"
#include "app/labelled_calls.hpp"
#include "batch/command_run.hpp"
#include "bump/bumping.hpp"
#include "context/settings.hpp"
#include "journal/journal_reader.hpp"
#include "journal/seal_source.hpp"
#include "jsonrpc/caller.hpp"
#include "kept/told_record.hpp"
#include "labels/labels.hpp"
#include "left/aborting.hpp"
#include "left/batch_params.hpp"
#include "left/finishing.hpp"
#include "left/forgetting.hpp"
#include "left/left_batches.hpp"
#include "peers/process.hpp"
#include "plugin/plugin.hpp"
#include "preview/previews.hpp"
#include "request/request.hpp"
#include "spark/gate.hpp"
#include "util/files.hpp"

namespace app {

/// Runs the commands: one CommandRun each, several at the same time, and settles what is left of batches
/// that nobody runs any more. Lives as long as the process, from init on; owned by the App, and so are
/// the settings.
class Service : private journal::JournalReader::Owner {
 public:
  struct Surroundings {
    const peers::NodeFacts& node;
    const context::Settings& settings;  ///< may change later
    std::uint64_t seed = 0;
    std::function<std::int64_t()> unix_time;  ///< seconds since 1970
    util::Files* files = nullptr;             ///< for traces, which are only asked for when there are any
    announcing::Announcer::Send announce;     ///< to other plugins
  };

  Service(spark::Runtime& runtime, jsonrpc::Caller& caller, Surroundings given);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Looks for records of batches from before the start and settles them. Commands wait until each was
  /// looked at once, or for a while: they could meet the same peers and coins. Unless `node` was known in
  /// full, lightningd is asked first what it knows.
  void recover(bool node_known);

  /// To be called when an option has changed the settings. Batches that run keep theirs, but for what all of them
  /// share.
  void settings_changed();

  /// multifundchannel and multifundchannel-prepare: the request tells them apart.
  void open(plugin::Command command, request::Request request);
  /// Every batch since the start and every unsettled one from before, or the one asked for.
  void list(plugin::Command command, const std::optional<std::string>& batch);
  /// See left::Finishing, left::Forgetting and left::Aborting.
  void finish(plugin::Command command, const left::FinishRequest& request) {
    about(std::move(command), request.batch,
          [this, request](plugin::Command c) { finishing_.finish(std::move(c), request); });
  }
  void forget(plugin::Command command, const left::ForgetRequest& request) {
    about(std::move(command), request.batch,
          [this, request](plugin::Command c) { forgetting_.forget(std::move(c), request); });
  }
  void abort(plugin::Command command, const left::AbortRequest& request) {
    about(std::move(command), request.batch,
          [this, request](plugin::Command c) { aborting_.abort(std::move(c), request); });
  }
  /// See bump::Bumping.
  void bump(plugin::Command command, const bump::BumpRequest& request) {
    about(std::move(command), request.batch, [this, request](plugin::Command c) {
      const auto target = bump_target(request.batch, left_, labels_);
      target ? bumping_.bump(std::move(c), request, *target) : c.fail(target.error());
    });
  }
  /// lightningd has seen a block.
  void block_added(std::uint32_t height);
  /// The peer has taken another channel.
  void channel_begun(const lightningd::NodeId& peer) { book_.told_in_vain().remove(peer); }

  /// lightningd has lost a connection.
  void disconnected(const lightningd::NodeId& peer) {
    for (const auto& [id, run] : runs_) run->disconnected(peer);
  }

  /// The node ends: touches nothing any more, and tells every caller that the next start settles it.
  void leave();
  /// Aborts what runs and calls `done` once nothing is left, or when `limit` has passed.
  void shut_down(spark::Duration limit, util::Function<void()> done);

 private:
  void ask_for_withhold();
  void read_journal();
  void read_again_later();
  void found(const lightningd::StoredText& record, const journal::SealSource::Seal& seal) override;
  void unreadable(const std::string& id, const std::string& why) override;
  void journal_read() override;
  [[nodiscard]] bool is_taken_care_of(const std::string& id) const override;
  void looked();
  void recovered();
  /// A command about a batch that has begun before: it waits for what the last process has left to be looked at, and is
  /// refused while the batch runs.
  void about(plugin::Command command, const std::string& batch, util::Function<void(plugin::Command)> act);
  void run(plugin::Command command, request::Request request);
  void run(plugin::Command command, request::Request request, const journal::SealSource::Seal& seal);
  void preview(plugin::Command command, request::Request request);
  void asked(bool in_doubt);
  [[nodiscard]] journal::Kept new_batch(const lightningd::Client& client, const context::Settings& settings,
                                        const journal::SealSource::Seal& seal);
  void end_if_idle();
  void finished(const std::string& id, bool settled);
  [[nodiscard]] peers::Process process(const context::Settings& settings);
  [[nodiscard]] std::string new_id();

  spark::Runtime& runtime_;
  jsonrpc::Caller& caller_;
  peers::NodeFacts node_;
  const context::Settings& settings_;
  std::mt19937_64 random_;
  std::function<std::int64_t()> unix_time_;
  util::Files* files_;
  announcing::Announcer announcer_;
  ledger::Book book_;
  journal::SealSource seals_;
  journal::JournalReader reader_;
  kept::ToldRecord told_;
  spark::Gate connects_;  // of all batches together: connectd's window is the node's
  left::LeftBatches left_;
  labels::Labels labels_;
  std::uint64_t last_number_ = 0;
  std::map<std::string, std::unique_ptr<batch::CommandRun>> runs_;  // by the batch's id
  LabelledCalls labelled_;
  Inquiries inquiries_;
  preview::Previews previews_;
  left::Finishing finishing_;
  left::Forgetting forgetting_;
  left::Aborting aborting_;
  bump::Bumping bumping_;
  bool recovered_ = false;
  std::size_t to_look_at_ = 0;                   ///< records that were not looked at yet
  std::vector<util::Function<void()>> waiting_;  ///< commands, for recovery
  util::Function<void()> idle_;                  ///< shut_down waits
  std::optional<util::Error> end_;               ///< what callers are told from the end on
  spark::Scope scope_;                           // of recovery; last, so that it ends first
};

}  // namespace app
