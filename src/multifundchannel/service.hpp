#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "json/value.hpp"
#include "jsonrpc/caller.hpp"
#include "multifundchannel/abort_offer.hpp"
#include "multifundchannel/batch_params.hpp"
#include "multifundchannel/command_run.hpp"
#include "multifundchannel/ended_batches.hpp"
#include "multifundchannel/journal_reader.hpp"
#include "multifundchannel/previews.hpp"
#include "multifundchannel/seal_source.hpp"
#include "multifundchannel/settings.hpp"
#include "multifundchannel/settlement.hpp"
#include "plugin/plugin.hpp"
#include "spark/gate.hpp"
#include "util/files.hpp"

namespace multifundchannel {

/// Runs the commands: one CommandRun each, several at the same time, and settles what is left of batches
/// that nobody runs any more. Lives as long as the process, from init on; owned by the App, and so are
/// the settings.
class Service : private JournalReader::Owner {
 public:
  /// `unix_time` gives the seconds since 1970; `files` are for traces, which
  /// are only asked for when there are any.
  Service(spark::Runtime& runtime, jsonrpc::Caller& caller, const NodeFacts& node, const Settings& settings,
          std::uint64_t seed, std::function<std::int64_t()> unix_time, util::Files* files);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Looks for records of batches from before the start and settles them. Commands wait until each was
  /// looked at once, or for a while: they could meet the same peers and coins. Unless `node` was known in
  /// full, lightningd is asked first what it knows.
  void recover(bool node_known);

  /// To be called when an option has changed the settings; running batches keep theirs.
  void settings_changed();

  /// `params` have passed funding::parse_request already; whatever is wrong answers the command.
  void multifundchannel(plugin::Command command, const json::Value& params);
  /// Every batch since the start and every unsettled one from before, or the one asked for.
  void list(plugin::Command command, const std::optional<std::string>& batch);
  /// Shows what removing an unsettled record gives up and, when confirmed, removes it.
  void forget(plugin::Command command, const std::string& batch, bool confirmed);

  /// lightningd has seen a block.
  void block_added(std::uint32_t height) {
    for (const auto& [id, run] : runs_) run->block_added(height);
  }
  /// A line of lightningd's log, of its level `unusual` or above.
  void warned(std::string_view text) { node_.lost->warned(text, runtime_.now()); }
