#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "loop/loop.hpp"

/// A receiver that collects what comes and then does what the test asks for.
struct Sink final : util::Receiver {
  void received(std::string_view bytes) override {
    text += bytes;
    if (on_received) on_received();
  }
  void drained() override {
    ++drains;
    if (on_drained) on_drained();
  }
  void closed(const std::string& why) override {
    ++closings;
    reason = why;
    if (on_closed) on_closed();
  }

  std::string text;
  int drains = 0;
  int closings = 0;
  std::string reason;
  util::Function<void()> on_received;
  util::Function<void()> on_drained;
  util::Function<void()> on_closed;
};

/// A loop that gives up after some seconds, so that a broken test fails instead of hanging.
struct LoopBench {
  LoopBench() { std::filesystem::create_directories(directory); }
  ~LoopBench() { std::filesystem::remove_all(directory); }
  LoopBench(const LoopBench&) = delete;
  LoopBench& operator=(const LoopBench&) = delete;

  using Fds = std::pair<int, int>;

  /// Runs until stop() was called.
  void run() {
    const auto watchdog = loop.start_timer(std::chrono::seconds(10), [this] {
      FAIL_CHECK("nothing stopped the loop");
      loop.stop();
    });
    loop.run();
    loop.stop_timer(watchdog);
  }
  /// Runs until a chain of `turns` posted tasks is through: what is on the way has come by then.
  void run_turns(int turns = 20) {
    count_down(turns);
    run();
  }
  [[nodiscard]] util::Function<void()> stop() {
    return [this] { loop.stop(); };
  }

  [[nodiscard]] static Fds socket_pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    return {fds[0], fds[1]};
  }
  /// Where to read, and where to write.
  [[nodiscard]] static Fds pipe_pair() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    return {fds[0], fds[1]};
  }
  /// A listening socket at `name` in `folder`, whatever the length of the path.
  [[nodiscard]] static int listen_at(const std::string& folder, const std::string& name) {
    const int at = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = "/proc/self/fd/" + std::to_string(at) + "/" + name;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener, 4) == 0);
    ::close(at);
    return listener;
  }

  loop::Loop loop;
  std::string directory = std::filesystem::temp_directory_path() / ("loop_test." + std::to_string(::getpid()));

 private:
  void count_down(int turns) {
    loop.post([this, turns] {
      if (turns == 0) return loop.stop();
      count_down(turns - 1);
    });
  }
};
