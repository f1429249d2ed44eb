#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "util/function.hpp"
#include "util/str.hpp"

namespace util {

enum class Level { debug, info, warn, error };

/// lightningd's name of a level.
[[nodiscard]] std::string_view level_name(Level level);

/// Where log lines go. Set once by main (or a test) before anything logs; until then lines go to
/// standard error, never to standard output, which is the protocol channel.
using LogSink = Function<void(Level, std::string_view line)>;
void set_log_sink(LogSink sink);

/// Writes one line. spdlog does the work behind this (log.cpp is the only file that includes it).
void log(Level level, std::string_view line);
void log(Level level, std::initializer_list<Piece> line);

/// A signed PSBT or transaction is never logged.
template <class... Parts>
void debug(const Parts&... parts) {
  log(Level::debug, {Piece(parts)...});
}
template <class... Parts>
void info(const Parts&... parts) {
  log(Level::info, {Piece(parts)...});
}
template <class... Parts>
void warn(const Parts&... parts) {
  log(Level::warn, {Piece(parts)...});
}
template <class... Parts>
void error(const Parts&... parts) {
  log(Level::error, {Piece(parts)...});
}

}  // namespace util
