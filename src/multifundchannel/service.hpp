#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>

#include "json/value.hpp"
#include "jsonrpc/caller.hpp"
#include "multifundchannel/command_run.hpp"
#include "multifundchannel/settings.hpp"
#include "plugin/plugin.hpp"
#include "spark/gate.hpp"

namespace multifundchannel {

/// Runs the commands: one CommandRun each, several at the same time. Lives as long as the process,
/// from init on; owned by the App, and so are the settings.
class Service {
 public:
  Service(spark::Runtime& runtime, jsonrpc::Caller& caller, const NodeFacts& node, const Settings& settings,
          std::uint64_t seed);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// To be called when an option has changed the settings; running batches keep theirs.
  void settings_changed();

  /// `params` have passed funding::parse_request already; whatever is wrong answers the command.
  void multifundchannel(plugin::Command command, const json::Value& params);

  /// Aborts what runs and calls `done` once nothing is left, or when `limit` has passed.
  void shut_down(spark::Duration limit, util::Function<void()> done);

 private:
  void finished(std::uint64_t number);

  spark::Runtime& runtime_;
  jsonrpc::Caller& caller_;
  const NodeFacts node_;
  const Settings& settings_;
  std::mt19937_64 random_;
  funding::OpeningBook book_;
  spark::Gate connects_;  // of all batches together: connectd's window is the node's
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::unique_ptr<CommandRun>> runs_;
  util::Function<void()> idle_;  ///< shut_down waits
};

}  // namespace multifundchannel
