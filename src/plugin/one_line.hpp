#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace plugin {

/// The lines of `text` that are not empty, with " | " between them: so that what another program or a peer has written
/// makes no line of its own in a log, which would look like one of ours.
[[nodiscard]] inline std::string one_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (!line.empty() && !out.empty()) out += " | ";
    out += line;
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

}  // namespace plugin
