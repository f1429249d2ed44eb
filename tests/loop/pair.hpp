#pragma once

#include <memory>
#include <string>

#include "bench.hpp"

/// Two transports that talk to each other.
struct Pair : LoopBench {
  void open_sockets() {
    const auto fds = socket_pair();
    left = loop.stdio(fds.first, fds.first);
    right = loop.stdio(fds.second, fds.second);
  }
  void open_pipes() {
    const auto to_right = pipe_pair();
    const auto to_left = pipe_pair();
    left = loop.stdio(to_left.first, to_right.second);
    right = loop.stdio(to_right.first, to_left.second);
  }
  void start() {
    left->start(left_sink);
    right->start(right_sink);
  }
  /// Stops the loop when `count` bytes have come to the right.
  void stop_at(std::size_t count) {
    right_sink.on_received = [this, count] {
      if (right_sink.text.size() >= count) loop.stop();
    };
  }

  Sink left_sink;
  Sink right_sink;
  std::unique_ptr<util::Transport> left;
  std::unique_ptr<util::Transport> right;
};

/// A text in which no piece can be taken for another.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * i % 23);
  return text;
}
