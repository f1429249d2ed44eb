#pragma once

#include <sys/types.h>

#include <string>

#include "util/result.hpp"

namespace sim {

/// The plugin as a child process, started the way lightningd starts one: pipes for its standard input
/// and output, ours for its errors, and lightningd's two environment variables.
struct Child {
  pid_t pid = -1;
  int to = -1;    ///< its standard input
  int from = -1;  ///< its standard output
};

[[nodiscard]] util::Result<Child> start_child(const std::string& path, const std::string& directory,
                                              const std::string& version);

/// Waits a while for it to end by itself, then kills it.
void reap(pid_t pid);

/// A listening unix socket.
[[nodiscard]] util::Result<int> listen_at(const std::string& path);

/// Things that happen outside the loop, as text on a file descriptor that the loop can read: "c<fd>\n"
/// for an accepted connection, "q\n" for SIGTERM or SIGINT (which the caller has blocked). The threads
/// that write it run to the end of the process.
[[nodiscard]] int watch(int listener);

}  // namespace sim
