#pragma once

#include <uv.h>

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "util/transport.hpp"

namespace loop {

/// What a file descriptor is for: the output of a plugin may be a socket that is its input, too.
enum class Use { both, reading, writing };

/// A pipe, socket or terminal. Shared by its transport and, until libuv no longer has the handle, by
/// itself: queued bytes are still written after the transport is gone.
class Stream final : public std::enable_shared_from_this<Stream> {
 public:
  /// A stream for `fd`, which it then owns; null when libuv has no stream for that kind of file.
  [[nodiscard]] static std::shared_ptr<Stream> open(uv_loop_t* loop, int fd, Use use);
  /// A unix socket that is still to be connected.
  [[nodiscard]] static std::shared_ptr<Stream> unconnected(uv_loop_t* loop);
  /// The transport that owns `stream`: destroying it lets the stream go.
  [[nodiscard]] static std::unique_ptr<util::Transport> transport(std::shared_ptr<Stream> stream);

  void start(util::Receiver& receiver);
  void send(const util::Rope& message);
  [[nodiscard]] std::size_t pending() const;

  /// Nobody is called any more; closes when all is written.
  void let_go();
  /// The loop ends: closes now.
  void abort();
  /// Stops reading for a while.
  void pause(bool on);

  [[nodiscard]] uv_pipe_t* pipe() { return &handle_.pipe; }
  [[nodiscard]] uv_handle_t* handle() { return &handle_.handle; }

 private:
  explicit Stream(Use use) : use_(use) {}
  void adopt_handle();
  void close();
  void read();
  void on_read(ssize_t size);
  void write_next();
  void on_written(int status);
  void broken(int status);
  void report_closed(const std::string& reason);

  uv_any_handle handle_;
  uv_write_t request_;
  Use use_;
  util::Receiver* receiver_ = nullptr;
  std::array<char, 65536> input_;
  std::deque<util::SharedText> queue_;     // not yet given to libuv
  std::vector<util::SharedText> writing_;  // given to libuv with request_
  std::size_t queued_ = 0;                 // bytes in queue_
  bool broken_ = false;                    // for writing
  bool let_go_ = false;
  bool paused_ = false;
  std::string why_closed_;        // to be reported when the handle is closed
  std::shared_ptr<Stream> self_;  // until the handle is closed
};

}  // namespace loop
