#pragma once

#include <arpa/inet.h>

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
  void open_tcp() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(client, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    const int server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
    left = loop.stdio(client, client);
    right = loop.stdio(server, server);
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
