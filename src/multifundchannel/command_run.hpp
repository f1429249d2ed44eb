#pragma once

#include <memory>
#include <optional>
#include <string>

#include "multifundchannel/batch.hpp"
#include "multifundchannel/undo.hpp"
#include "plugin/plugin.hpp"

namespace multifundchannel {

/// One command from its arrival until nothing of it is left: the batch, the undo that follows it,
/// and the one reply. The reply waits for the undo, but not longer than a grace: what hangs is
/// finished behind it. Owned by the Service, which destroys it when `finished` was called.
class CommandRun {
 public:
  CommandRun(spark::Runtime& runtime, lightningd::Client client, const Settings& settings,
             const funding::OpeningBook& book, plugin::Command command, std::unique_ptr<Batch> batch);
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;

  /// Call once. `finished` comes from the ready queue and may destroy this.
  void run(util::Function<void()> finished);
  void abort(const util::Error& error);

 private:
  void answered(util::Result<std::string> answer);
  void reply();

  spark::Runtime& runtime_;
  lightningd::Client client_;
  Settings settings_;
  const funding::OpeningBook& book_;
  plugin::Command command_;
  std::unique_ptr<Batch> batch_;
  std::unique_ptr<Undo> undo_;
  std::optional<util::Result<std::string>> answer_;
  util::Function<void()> finished_;
  spark::Scope scope_;  // of the grace timer; last, so that it ends first
};

}  // namespace multifundchannel
