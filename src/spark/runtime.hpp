#pragma once

#include <chrono>
#include <cstdint>

#include "util/function.hpp"

namespace spark {

using Duration = std::chrono::milliseconds;

/// The ready queue and the clock. The loop drives them with libuv, tests by hand with virtual time.
class Runtime {
 public:
  using TimerId = std::uint64_t;

  /// Runs `task` soon, in order, never from inside this call.
  virtual void post(util::Function<void()> task) = 0;
  /// Monotonic, from an arbitrary start.
  [[nodiscard]] virtual Duration now() const = 0;
  /// Runs `task` once after `delay`. A stopped timer's task is destroyed and never runs.
  virtual TimerId start_timer(Duration delay, util::Function<void()> task) = 0;
  /// Does nothing for a timer that ran or was stopped.
  virtual void stop_timer(TimerId timer) = 0;

 protected:
  ~Runtime() = default;
};

}  // namespace spark
