#pragma once

#include <optional>
#include <string>
#include <vector>

namespace plugin {

/// What to print, and the status to exit with, when the program is not to run as a plugin.
struct Explanation {
  std::string text;
  int status = 0;  ///< not 0: `text` is an error, for standard error
};

/// How the program was started.
struct Invocation {
  std::vector<std::string> arguments;  ///< without the program's name
  bool by_lightningd = false;          ///< LIGHTNINGD_PLUGIN is set
  bool on_terminal = false;            ///< standard input is a terminal
};

/// Nothing when the program is to run as a plugin: lightningd, or something that behaves like it,
/// is on standard input.
[[nodiscard]] std::optional<Explanation> explain(const Invocation& invocation);

}  // namespace plugin
