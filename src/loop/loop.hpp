#pragma once

#include <memory>
#include <string>

#include "spark/runtime.hpp"
#include "util/files.hpp"
#include "util/transport.hpp"

namespace loop {

class Engine;

/// The libuv loop: ready queue, clock, timers, standard input and output, unix sockets, files, signals.
/// One per process, owned by main. This folder is the only part of the program that knows uv.h.
/// Tasks and transports may outlive it: what is left of them then does nothing. An exception from a
/// task or a receiver is logged, and the loop goes on.
class Loop final : public spark::Runtime, public util::Connector, public util::Files {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void post(util::Function<void()> task) override;
  [[nodiscard]] spark::Duration now() const override;
  TimerId start_timer(spark::Duration delay, util::Function<void()> task) override;
  void stop_timer(TimerId timer) override;

  /// Connects to a unix socket. A path longer than sun_path allows is reached through
  /// /proc/self/fd/<socket>, so no chdir is needed and relative paths work.
  void connect(const std::string& path,
               util::Function<void(util::Result<std::unique_ptr<util::Transport>>)> done) override;

  [[nodiscard]] util::Result<void> can_write_in(const std::string& directory) override;
  void write_file(const std::string& path, std::string text, util::Function<void(util::Result<void>)> done) override;

  /// A transport on two file descriptors (0 and 1 of a plugin): pipes, sockets, terminals, files or
  /// devices. It owns them, and closes them unless they are standard ones.
  [[nodiscard]] std::unique_ptr<util::Transport> stdio(int in, int out);

  /// Runs until stop() was called, or nothing can ever happen again; then writes out what is queued on standard output
  /// (as long as the other side takes it, at most a second) and returns.
  void run();
  void stop();

 private:
  std::shared_ptr<Engine> engine_;
};

}  // namespace loop
