#include "app/options.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace app {

using context::DryRun;
using plugin::OptionType;
using util::Result;

namespace {

Result<void> in_range(const json::Value& value, std::uint32_t least, std::uint32_t most) {
  const auto number = value.u32();
  if (number && *number >= least && *number <= most) return {};
  return util::Error{lightningd::code::invalid_params,
                     util::str(value.path(), ": must be from ", least, " to ", most, ", got ", value.excerpt()),
                     {}};
}

const char* name_of(DryRun dry_run) { return dry_run == DryRun::txprepare ? "txprepare" : "fundpsbt"; }

std::optional<DryRun> dry_run_named(std::string_view name) {
  for (const auto dry_run : {DryRun::fundpsbt, DryRun::txprepare}) {
    if (name == name_of(dry_run)) return dry_run;
  }
  return std::nullopt;
}

Result<void> is_dry_run(const json::Value& value) {
  const auto text = *value.string();
  if (dry_run_named(text)) return {};
  // Without quotation marks: lightningd escapes them once more.
  return util::Error{lightningd::code::invalid_params,
                     util::str(value.path(), ": must be ", name_of(DryRun::fundpsbt), " or ",
                               name_of(DryRun::txprepare), ", not ", text.substr(0, 80)),
                     {}};
}

Result<void> check_trace_dir(const json::Value& value, util::Files* files) {
  const std::string directory(*value.string());
  if (directory.empty()) return {};
  const auto checked =
      files != nullptr ? files->can_write_in(directory) : util::Error{-1, "there are no files to be written here", {}};
  if (checked) return {};
  return util::Error{lightningd::code::invalid_params, util::str(value.path(), ": ", checked.error().message), {}};
}

}  // namespace

void add_options(plugin::Plugin& plugin, context::Settings& settings, const OptionsUse& use) {
  plugin.add_option({
      .name = "multifundchannel-peer-timeout",
      .type = OptionType::integer,
      .description = "Seconds that each peer has for each of connect, fundchannel_start and fundchannel_complete",
      .default_json = std::to_string(settings.peer_timeout / std::chrono::seconds(1)),
      .dynamic = true,
      .set = [&settings](const json::Value& value) -> Result<void> {
        settings.peer_timeout = std::chrono::seconds(*value.u32());
        return {};
      },
      .check = [](const json::Value& value) { return in_range(value, 1, 86400); },
  });
  plugin.add_option({
      .name = "multifundchannel-max-connects",
      .type = OptionType::integer,
      .description = "How many connects to peers may be in flight at the same time",
      .default_json = std::to_string(settings.max_connects),
      .dynamic = true,
      .set = [&settings, changed = use.changed](const json::Value& value) -> Result<void> {
        settings.max_connects = *value.u32();
        changed();
        return {};
      },
      .check = [](const json::Value& value) { return in_range(value, 1, 1000); },
  });
  plugin.add_option({
      .name = "multifundchannel-dry-run",
      .type = OptionType::string,
      .description =
          "How it is found out whether the wallet can pay, before any peer is asked: fundpsbt, or txprepare with "
          "placeholders for the channels",
      .default_json = util::str('"', name_of(settings.dry_run), '"'),
      .dynamic = true,
      .set = [&settings](const json::Value& value) -> Result<void> {
        settings.dry_run = *dry_run_named(*value.string());
        return {};
      },
      .check = is_dry_run,
  });
  plugin.add_option({
      .name = "multifundchannel-progress",
      .type = OptionType::boolean,
      .description =
          "Tell the caller how far a batch is: lightning-cli draws bars on its standard output, before the result",
      .default_json = settings.progress ? "true" : "false",
      .dynamic = true,
      .set = [&settings](const json::Value& value) -> Result<void> {
        settings.progress = *value.boolean();
        return {};
      },
  });
  plugin.add_option({
      .name = "multifundchannel-trace-dir",
      .type = OptionType::string,
      .description =
          "Directory in which each batch leaves a trace of its calls (Chrome's trace-event format); empty: none",
      .dynamic = true,
      .set = [&settings](const json::Value& value) -> Result<void> {
        settings.trace_dir = *value.string();
        return {};
      },
      .check = [files = use.files](const json::Value& value) { return check_trace_dir(value, files); },
  });
}

}  // namespace app
