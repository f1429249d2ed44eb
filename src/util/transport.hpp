#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "util/function.hpp"
#include "util/result.hpp"
#include "util/rope.hpp"

namespace util {

/// Who gets the bytes of a Transport. All calls come from the loop, never from inside send().
/// During received() and closed() the receiver may destroy the transport.
class Receiver {
 public:
  virtual void received(std::string_view bytes) = 0;
  /// All or part of what was queued has been written.
  virtual void drained() = 0;
  /// The other side closed, or the connection broke; comes at most once, nothing comes after it.
  virtual void closed(const std::string& reason) = 0;

 protected:
  ~Receiver() = default;
};

/// A byte stream in both directions: standard input and output, a unix socket, or a test's memory.
/// Destroying it closes it; what was queued before is then written as far as the other side takes
/// it (libuv implementation: in the background).
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void start(Receiver& receiver) = 0;
  /// Queues; never blocks, never calls the receiver.
  virtual void send(Rope message) = 0;
  /// Bytes queued and not yet written.
  [[nodiscard]] virtual std::size_t pending() const = 0;
};

/// Connects to lightningd's RPC socket. `done` comes from the loop, not from inside the call.
class Connector {
 public:
  virtual void connect(const std::string& path, Function<void(Result<std::unique_ptr<Transport>>)> done) = 0;

 protected:
  ~Connector() = default;
};

}  // namespace util
