#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/transport.hpp"

namespace test {

/// The far end of a connection in memory: shows what was sent, speaks when the test says so. Outlives
/// the transport at the near end.
struct Wire {
  util::Receiver* receiver = nullptr;  // null before start() and after the transport's end
  std::vector<util::Rope> sent;        // in order, written or not
  std::size_t pending = 0;
  bool stalled = false;  // the far end does not read

  void say(std::string_view bytes) {
    if (receiver) receiver->received(bytes);
  }
  /// `count` bytes get written.
  void drain(std::size_t count) {
    pending -= count;
    receiver->drained();
  }
  void close(const std::string& reason) { std::exchange(receiver, nullptr)->closed(reason); }
};

class MemoryTransport final : public util::Transport {
 public:
  explicit MemoryTransport(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
  ~MemoryTransport() override { wire_->receiver = nullptr; }
  MemoryTransport(const MemoryTransport&) = delete;
  MemoryTransport& operator=(const MemoryTransport&) = delete;

  void start(util::Receiver& receiver) override { wire_->receiver = &receiver; }
  void send(util::Rope message) override {
    if (wire_->stalled) wire_->pending += message.size();
    wire_->sent.push_back(std::move(message));
  }
  [[nodiscard]] std::size_t pending() const override { return wire_->pending; }

 private:
  std::shared_ptr<Wire> wire_;
};

/// Connects when the test says so.
class MemoryConnector final : public util::Connector {
 public:
  using Done = util::Function<void(util::Result<std::unique_ptr<util::Transport>>)>;

  void connect(const std::string& path, Done done) override {
    paths.push_back(path);
    waiting.push_back(std::move(done));
  }

  /// Answers the oldest attempt.
  std::shared_ptr<Wire> accept(bool stalled = false) {
    auto wire = std::make_shared<Wire>();
    wire->stalled = stalled;
    answer(std::unique_ptr<util::Transport>(std::make_unique<MemoryTransport>(wire)));
    return wire;
  }
  void refuse(const std::string& reason) { answer(util::Error{-1, reason, {}}); }

  std::vector<std::string> paths;
  std::vector<Done> waiting;

 private:
  void answer(util::Result<std::unique_ptr<util::Transport>> result) {
    auto done = std::move(waiting.front());
    waiting.erase(waiting.begin());
    done(std::move(result));
  }
};

}  // namespace test
