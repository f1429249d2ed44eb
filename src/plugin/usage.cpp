#include "plugin/usage.hpp"

#include <string_view>

#include "util/str.hpp"

namespace plugin {
namespace {

constexpr std::string_view version = "multifundchannel " MULTIFUNDCHANNEL_VERSION "\n";

constexpr std::string_view help = R"(
This is a plugin for Core Lightning: it opens channels to many peers with one
on-chain transaction. lightningd starts it; it does nothing useful on its own.

To install it, do one of these:
  * copy it into <lightning-dir>/plugins/ and restart lightningd
  * add a line plugin=/path/to/multifundchannel to lightningd's config and restart
  * lightning-cli plugin start /path/to/multifundchannel  (until the next restart)
Then see: lightning-cli help multifundchannel

Options:
  --help     print this text and exit
  --version  print the version and exit
)";

}  // namespace

std::optional<Explanation> explain(const Invocation& invocation) {
  for (const auto& argument : invocation.arguments) {
    if (argument == "--version") return Explanation{std::string(version)};
    if (argument == "--help" || argument == "-h") return Explanation{util::str(version, help)};
    // lightningd passes these on to all plugins; they mean nothing here.
    if (argument == "--developer" || argument == "--dev-debug-self") continue;
    return Explanation{util::str("multifundchannel: unknown option ", argument, " (try --help)\n"), 2};
  }
  if (invocation.on_terminal && !invocation.by_lightningd) return Explanation{util::str(version, help)};
  return std::nullopt;
}

}  // namespace plugin
