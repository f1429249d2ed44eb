#include "sim/memory_transport.hpp"

#include <string>

namespace sim {
namespace {

/// What both ends share.
struct Link {
  struct Side {
    util::Receiver* receiver = nullptr;
    bool alive = true;
    bool closed = false;  // was told so
    bool posted = false;  // a delivery is in the ready queue
    std::string inbox;
  };

  explicit Link(spark::Runtime& runtime_) : runtime(runtime_) {}

  spark::Runtime& runtime;
  Side sides[2];
};

void deliver(const std::shared_ptr<Link>& link, int to) {
  Link::Side& side = link->sides[to];
  Link::Side& other = link->sides[1 - to];
  side.posted = false;
  if (!side.inbox.empty() && side.receiver != nullptr) {
    const std::string text = std::exchange(side.inbox, "");
    side.receiver->received(text);
    if (other.receiver != nullptr) other.receiver->drained();
  }
  if (other.alive || side.closed || side.receiver == nullptr) return;
  side.closed = true;
  side.receiver->closed("the other side closed");
}

void schedule(const std::shared_ptr<Link>& link, int to) {
  Link::Side& side = link->sides[to];
  if (side.posted || side.receiver == nullptr) return;
  side.posted = true;
  link->runtime.post([link, to] { deliver(link, to); });
}

class End final : public util::Transport {
 public:
  End(std::shared_ptr<Link> link, int index) : link_(std::move(link)), index_(index) {}
  ~End() override {
    link_->sides[index_].alive = false;
    link_->sides[index_].receiver = nullptr;
    schedule(link_, 1 - index_);
  }

  void start(util::Receiver& receiver) override {
    link_->sides[index_].receiver = &receiver;
    schedule(link_, index_);
  }

  void send(util::Rope message) override {
    if (!link_->sides[1 - index_].alive) return;
    for (const auto& piece : message.pieces()) link_->sides[1 - index_].inbox += *piece;
    schedule(link_, 1 - index_);
  }

  [[nodiscard]] std::size_t pending() const override { return link_->sides[1 - index_].inbox.size(); }

 private:
  std::shared_ptr<Link> link_;
  int index_;
};

}  // namespace

std::pair<std::unique_ptr<util::Transport>, std::unique_ptr<util::Transport>> make_pair(spark::Runtime& runtime) {
  auto link = std::make_shared<Link>(runtime);
  return {std::make_unique<End>(link, 0), std::make_unique<End>(link, 1)};
}

}  // namespace sim
