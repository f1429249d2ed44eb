#pragma once

#include <cstddef>

namespace report {

/// Where a batch is, as its user sees it. It is as far as its last peer.
enum class Phase { prepare, connect, start, complete, send, undo };

inline constexpr std::size_t phase_count = 6;

[[nodiscard]] constexpr const char* name_of(Phase phase) {
  constexpr const char* names[phase_count] = {"prepare", "connect", "start", "complete", "send", "undo"};
  return names[static_cast<std::size_t>(phase)];
}

}  // namespace report
