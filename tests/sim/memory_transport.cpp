#include "sim/memory_transport.hpp"

#include <deque>
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
    std::deque<std::string> inbox;
    std::size_t bytes = 0;  // in the inbox
  };

  explicit Link(spark::Runtime& runtime_) : runtime(runtime_) {}

  spark::Runtime& runtime;
  Side sides[2];
};

void deliver(const std::shared_ptr<Link>& link, int to);

void schedule(const std::shared_ptr<Link>& link, int to) {
  Link::Side& side = link->sides[to];
  if (side.posted || side.receiver == nullptr) return;
  side.posted = true;
  link->runtime.post([link, to] { deliver(link, to); });
}

void deliver(const std::shared_ptr<Link>& link, int to) {
  Link::Side& side = link->sides[to];
  Link::Side& other = link->sides[1 - to];
  side.posted = false;
  if (!side.inbox.empty() && side.receiver != nullptr) {
    const std::string text = std::move(side.inbox.front());
    side.inbox.pop_front();
    side.bytes -= text.size();
    side.receiver->received(text);
    if (other.receiver != nullptr) other.receiver->drained();
  }
  if (!side.inbox.empty()) return schedule(link, to);
  if (other.alive || side.closed || side.receiver == nullptr) return;
  side.closed = true;
  side.receiver->closed("the other side closed");
}

class PipeEnd final : public util::Transport {
 public:
  PipeEnd(std::shared_ptr<Link> link, int index) : link_(std::move(link)), index_(index) {}
  ~PipeEnd() override {
    link_->sides[index_].alive = false;
    link_->sides[index_].receiver = nullptr;
    schedule(link_, 1 - index_);
  }

  void start(util::Receiver& receiver) override {
    link_->sides[index_].receiver = &receiver;
    schedule(link_, index_);
  }

  void send(util::Rope message) override {
    Link::Side& to = link_->sides[1 - index_];
    if (!to.alive) return;
    std::string text;
    for (const auto& piece : message.pieces()) text += *piece;
    to.bytes += text.size();
    to.inbox.push_back(std::move(text));
    schedule(link_, 1 - index_);
  }

  [[nodiscard]] std::size_t pending() const override { return link_->sides[1 - index_].bytes; }

  [[nodiscard]] Link::Side& side() const { return link_->sides[index_]; }

 private:
  std::shared_ptr<Link> link_;
  int index_;
};

}  // namespace

std::pair<std::unique_ptr<util::Transport>, std::unique_ptr<util::Transport>> make_pair(spark::Runtime& runtime) {
  auto link = std::make_shared<Link>(runtime);
  return {std::make_unique<PipeEnd>(link, 0), std::make_unique<PipeEnd>(link, 1)};
}

std::size_t unread(const util::Transport& end) { return dynamic_cast<const PipeEnd&>(end).side().inbox.size(); }

std::vector<std::string> unread_texts(const util::Transport& end) {
  const auto* const pipe = dynamic_cast<const PipeEnd*>(&end);
  if (pipe == nullptr) return {};
  const auto& inbox = pipe->side().inbox;
  return {inbox.begin(), inbox.end()};
}

void lose_unread(util::Transport& end, std::size_t kept) {
  Link::Side& side = dynamic_cast<PipeEnd&>(end).side();
  while (side.inbox.size() > kept) {
    side.bytes -= side.inbox.back().size();
    side.inbox.pop_back();
  }
}

}  // namespace sim
