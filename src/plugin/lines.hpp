#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace plugin {

/// The lines of `text` that are not empty. lightningd before v25.05 shows a line break inside one
/// log or message notification as a raw `\n`.
[[nodiscard]] inline std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (!line.empty()) out.push_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

}  // namespace plugin
