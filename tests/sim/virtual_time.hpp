#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "spark/runtime.hpp"
#include "spark/timer_queue.hpp"

namespace sim {

/// A Runtime driven by hand: time passes only when nothing is ready. The clock starts at 0. Timers
/// due at the same time run in the order of their start, each after what the one before it posted.
/// Outlives everything that uses it.
class VirtualTime final : public spark::Runtime {
 public:
  static constexpr std::size_t no_end = 50'000'000;

  VirtualTime() = default;
  ~VirtualTime();
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;

  void post(util::Function<void()> task) override;
  [[nodiscard]] spark::Duration now() const override { return now_; }
  TimerId start_timer(spark::Duration delay, util::Function<void()> task) override;
  void stop_timer(TimerId timer) override { timers_.stop(timer); }

  /// Runs one ready task; if there is none, advances to the next timer and makes it ready. False
  /// when there was neither.
  bool step();
  /// Until nothing is left; `limit` steps at most, for what never ends.
  void run(std::size_t limit = no_end);
  /// Runs what is ready, and timers as they get due, until `duration` has passed.
  void run_for(spark::Duration duration, std::size_t limit = no_end);

  /// How many steps there were: names a moment, however little time passes between two of them.
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  /// No task is ready. Timers may be pending.
  [[nodiscard]] bool idle() const { return ready_.empty(); }
  [[nodiscard]] std::optional<spark::Duration> next_due() const { return timers_.next_due(); }
  [[nodiscard]] std::size_t pending_timers() const { return timers_.size(); }

 private:
  spark::Duration now_{0};
  bool closing_ = false;
  std::uint64_t steps_ = 0;
  std::deque<util::Function<void()>> ready_;
  spark::TimerQueue timers_;
};

}  // namespace sim
