#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "spark/runtime.hpp"

namespace spark {

/// The timers of a Runtime, in the order they are due; those due together in the order of their
/// start. A member of the runtime, which knows the time.
class TimerQueue {
 public:
  static constexpr Runtime::TimerId never = std::numeric_limits<Runtime::TimerId>::max();

  Runtime::TimerId start(Duration due, util::Function<void()> task) {
    const auto id = next_id_++;
    due_.emplace(id, due);
    tasks_.emplace(Key{due, id}, std::move(task));
    return id;
  }

  /// The task is destroyed when the queue no longer knows it: its destructor may use the queue.
  void stop(Runtime::TimerId id) {
    if (const auto due = due_.find(id); due != due_.end()) static_cast<void>(remove(tasks_.find(Key{due->second, id})));
  }

  /// Takes the first task that is due by `now`. Timers with ids from `end` on are left alone: a turn
  /// of the loop does not run the timers that it starts itself.
  [[nodiscard]] std::optional<util::Function<void()>> take(Duration now, Runtime::TimerId end = never) {
    for (auto timer = tasks_.begin(); timer != tasks_.end() && timer->first.first <= now; ++timer) {
      if (timer->first.second < end) return remove(timer);
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Duration> next_due() const {
    if (tasks_.empty()) return std::nullopt;
    return tasks_.begin()->first.first;
  }
  /// Greater than the id of every timer started so far.
  [[nodiscard]] Runtime::TimerId next_id() const { return next_id_; }
  [[nodiscard]] std::size_t size() const { return tasks_.size(); }

 private:
  using Key = std::pair<Duration, Runtime::TimerId>;
  using Tasks = std::map<Key, util::Function<void()>>;

  util::Function<void()> remove(Tasks::iterator timer) {
    auto task = std::move(timer->second);
    due_.erase(timer->first.second);
    tasks_.erase(timer);
    return task;
  }

  Runtime::TimerId next_id_ = 1;
  Tasks tasks_;
  std::map<Runtime::TimerId, Duration> due_;
};

}  // namespace spark
