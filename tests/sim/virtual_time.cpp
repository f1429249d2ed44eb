#include "virtual_time.hpp"

#include <algorithm>
#include <utility>

namespace sim {

using spark::Duration;

VirtualTime::~VirtualTime() {
  // Destructors of tasks may still post and stop timers.
  closing_ = true;
  std::exchange(ready_, {}).clear();
  while (timers_.take(Duration::max())) {
  }
}

void VirtualTime::post(util::Function<void()> task) {
  if (!closing_) ready_.push_back(std::move(task));
}

VirtualTime::TimerId VirtualTime::start_timer(Duration delay, util::Function<void()> task) {
  if (closing_) return 0;
  return timers_.start(now_ + std::max(delay, Duration{0}), std::move(task));
}

bool VirtualTime::step() {
  ++steps_;
  if (!ready_.empty()) {
    auto task = std::move(ready_.front());
    ready_.pop_front();
    task();
    return true;
  }
  const auto due = timers_.next_due();
  if (!due) return false;
  now_ = std::max(now_, *due);
  // Taken only when its turn comes: a timer that is stopped before never runs.
  post([this] {
    if (auto task = timers_.take(now_)) (*task)();
  });
  return true;
}

void VirtualTime::run(std::size_t limit) {
  while (limit-- > 0 && step()) {
  }
}

void VirtualTime::run_for(Duration duration, std::size_t limit) {
  const auto end = now_ + duration;
  while (limit-- > 0 && (!idle() || timers_.next_due().value_or(Duration::max()) <= end)) step();
  now_ = std::max(now_, end);
}

}  // namespace sim
