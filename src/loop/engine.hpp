#pragma once

#include <uv.h>

#include <deque>
#include <memory>

#include "spark/runtime.hpp"
#include "spark/timer_queue.hpp"

namespace loop {

class Stream;

/// The uv loop with the ready queue and the timers. Owned by the Loop; what the Loop made refers to
/// it weakly and may outlive it.
class Engine {
 public:
  Engine();
  ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void post(util::Function<void()> task);
  [[nodiscard]] spark::Duration now();
  spark::Runtime::TimerId start_timer(spark::Duration delay, util::Function<void()> task);
  void stop_timer(spark::Runtime::TimerId timer) { timers_.stop(timer); }

  void run();
  void stop();
  /// The stream whose queue run() writes out before it returns.
  void flush_at_stop(std::weak_ptr<Stream> output) { output_ = std::move(output); }

  /// Destroys all tasks and closes all handles; nothing happens here after it. To be called once,
  /// before the destructor.
  void close();

  [[nodiscard]] uv_loop_t* uv() { return &uv_; }

 private:
  void wake();
  void run_ready();
  void run_timers();
  void set_timer();
  void pause_reading(bool on);
  void flush();

  uv_loop_t uv_;
  uv_idle_t idle_;    // active while something is ready: the loop then does not wait for input
  uv_timer_t timer_;  // set to the first of timers_
  std::deque<util::Function<void()>> ready_;
  spark::TimerQueue timers_;
  std::weak_ptr<Stream> output_;
  bool running_ = false;
  bool stopping_ = false;
  bool closed_ = false;
};

}  // namespace loop
