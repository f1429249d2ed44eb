#pragma once

#include <memory>

#include "util/transport.hpp"

namespace loop {

/// A transport that reads from one transport and writes to another.
class Stdio final : public util::Transport, private util::Receiver {
 public:
  Stdio(std::unique_ptr<util::Transport> in, std::unique_ptr<util::Transport> out)
      : in_(std::move(in)), out_(std::move(out)) {}
  Stdio(const Stdio&) = delete;
  Stdio& operator=(const Stdio&) = delete;

  void start(util::Receiver& receiver) override;
  void send(util::Rope message) override { out_->send(std::move(message)); }
  [[nodiscard]] std::size_t pending() const override { return out_->pending(); }

 private:
  void received(std::string_view bytes) override;
  void drained() override;
  void closed(const std::string& reason) override;

  std::unique_ptr<util::Transport> in_;
  std::unique_ptr<util::Transport> out_;
  util::Receiver* receiver_ = nullptr;  // none once closed: either side may close first
};

}  // namespace loop
