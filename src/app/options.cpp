#include "app/options.hpp"

#include <chrono>
#include <cstdint>
#include <string>

#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace app {

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

Result<void> is_dry_run(const json::Value& value) {
  const auto text = *value.string();
  if (text == "fundpsbt" || text == "txprepare") return {};
  // Without quotation marks: lightningd escapes them once more.
  return util::Error{lightningd::code::invalid_params,
                     util::str(value.path(), ": must be fundpsbt or txprepare, not ", text.substr(0, 80)),
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
      .default_json = "60",
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
      .default_json = "10",
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
      .default_json = R"("fundpsbt")",
      .dynamic = true,
      .set = [&settings](const json::Value& value) -> Result<void> {
        settings.dry_run = *value.string() == "txprepare" ? context::DryRun::txprepare : context::DryRun::fundpsbt;
        return {};
      },
      .check = is_dry_run,
  });
  plugin.add_option({
      .name = "multifundchannel-progress",
      .type = OptionType::boolean,
      .description =
          "Tell the caller how far a batch is: lightning-cli draws bars on its standard output, before the result",
      .default_json = "false",
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
