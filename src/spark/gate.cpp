#include "spark/gate.hpp"

#include <deque>

namespace spark {

/// Shared by the gate and its passes; the runtime is touched only while the gate, which empties
/// `waiting` when it goes, is there.
struct Gate::Pass::State : std::enable_shared_from_this<State> {
  State(Runtime& the_runtime, std::size_t the_limit) : runtime(the_runtime), limit(the_limit) {}

  /// Posts one admission for each free place that is waited for.
  void admit() {
    while (inside + coming < limit && coming < waiting.size()) {
      ++coming;
      runtime.post([weak = weak_from_this()] {
        if (const auto state = weak.lock()) state->admit_first();
      });
    }
  }

  void admit_first() {
    --coming;
    // The limit may have been lowered, or the gate have gone, since this was posted.
    if (waiting.empty() || inside >= limit) return;
    auto first = std::move(waiting.front());
    waiting.pop_front();
    ++inside;
    first(Pass(shared_from_this()));
  }

  Runtime& runtime;
  std::size_t limit;
  std::size_t inside = 0;
  std::size_t coming = 0;  // admissions posted and not yet run
  std::deque<util::Function<void(Pass)>> waiting;
};

Gate::Pass::Pass(std::shared_ptr<State> state) : state_(std::move(state)) {}

Gate::Pass& Gate::Pass::operator=(Pass&& other) noexcept {
  auto incoming = std::move(other);
  std::swap(state_, incoming.state_);
  return *this;
}

Gate::Pass::~Pass() { leave(); }

void Gate::Pass::leave() {
  const auto state = std::move(state_);
  if (!state) return;
  --state->inside;
  state->admit();
}

Gate::Gate(Runtime& runtime, std::size_t limit) : state_(std::make_shared<Pass::State>(runtime, limit)) {}

Gate::~Gate() { const auto dropped = std::exchange(state_->waiting, {}); }

void Gate::enter(util::Function<void(Pass)> inside) {
  state_->waiting.push_back(std::move(inside));
  state_->admit();
}

void Gate::set_limit(std::size_t limit) {
  state_->limit = limit;
  state_->admit();
}

}  // namespace spark
