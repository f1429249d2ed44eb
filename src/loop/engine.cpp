#include "loop/engine.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include "loop/edge.hpp"
#include "loop/stream.hpp"

namespace loop {

using spark::Duration;

namespace {

constexpr Duration flush_time{1000};

/// The engine of a handle of its own.
template <class Handle>
Engine& engine_of(const Handle* handle) {
  return *static_cast<Engine*>(handle->loop->data);
}

}  // namespace

Engine::Engine() {
  // A reader that goes away is an error of the write, not the end of the process.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  uv_loop_init(&uv_);
  uv_idle_init(&uv_, &idle_);
  uv_timer_init(&uv_, &timer_);
  // Streams have their Stream as data; these two have none.
  idle_.data = nullptr;
  timer_.data = nullptr;
  uv_.data = this;
}

void Engine::close() {
  // Destructors of tasks may still post, stop timers and destroy transports.
  closed_ = true;
  std::exchange(ready_, {}).clear();
  while (timers_.take(Duration::max())) {
  }
  uv_walk(
      &uv_,
      [](uv_handle_t* handle, void*) {
        if (handle->data != nullptr) {
          static_cast<Stream*>(handle->data)->abort();
        } else if (uv_is_closing(handle) == 0) {
          uv_close(handle, nullptr);
        }
      },
      nullptr);
  uv_run(&uv_, UV_RUN_DEFAULT);
  uv_loop_close(&uv_);
}

void Engine::post(util::Function<void()> task) {
  if (closed_) return;
  ready_.push_back(std::move(task));
  wake();
}

void Engine::wake() {
  if (running_ && !ready_.empty()) uv_idle_start(&idle_, [](uv_idle_t* idle) { engine_of(idle).run_ready(); });
}

Duration Engine::now() {
  uv_update_time(&uv_);
  return Duration(uv_now(&uv_));
}

spark::Runtime::TimerId Engine::start_timer(Duration delay, util::Function<void()> task) {
  if (closed_) return 0;
  const auto timer = timers_.start(now() + std::max(delay, Duration{0}), std::move(task));
  set_timer();
  return timer;
}

/// What tasks post waits for the next turn, so that a chain of tasks does not keep the loop from
/// its input.
void Engine::run_ready() {
  for (auto left = ready_.size(); left > 0 && !stopping_; --left) {
    auto task = std::move(ready_.front());
    ready_.pop_front();
    at_edge("task", [&task] { task(); });
  }
  if (ready_.empty()) uv_idle_stop(&idle_);
}

void Engine::run_timers() {
  const auto time = Duration(uv_now(&uv_));
  const auto end = timers_.next_id();
  while (!stopping_) {
    auto task = timers_.take(time, end);
    if (!task) break;
    at_edge("timer", [&task] { (*task)(); });
  }
  set_timer();
}

void Engine::set_timer() {
  const auto due = timers_.next_due();
  if (!running_ || !due) return;
  // Never at once: libuv would run a timer that its own callback sets so in the same turn, for ever.
  const auto delay = std::max(*due - now(), Duration{1});
  uv_timer_start(
      &timer_, [](uv_timer_t* timer) { engine_of(timer).run_timers(); }, static_cast<std::uint64_t>(delay.count()), 0);
}

void Engine::run() {
  running_ = true;
  if (!stopping_) pause_reading(false);
  wake();
  set_timer();
  uv_run(&uv_, UV_RUN_DEFAULT);
  uv_idle_stop(&idle_);
  running_ = false;
  flush();
  stopping_ = false;
}

/// libuv still finishes the turn: what has come in is left for the next run.
void Engine::stop() {
  stopping_ = true;
  pause_reading(true);
  uv_stop(&uv_);
}

void Engine::pause_reading(bool on) {
  uv_walk(
      &uv_,
      [](uv_handle_t* handle, void* pause) {
        if (handle->data != nullptr) static_cast<Stream*>(handle->data)->pause(pause != nullptr);
      },
      on ? this : nullptr);
}

/// Nothing but writing goes on here: no reading, no tasks, no timers.
void Engine::flush() {
  const auto end = now() + flush_time;
  uv_timer_start(
      &timer_, [](uv_timer_t*) {}, static_cast<std::uint64_t>(flush_time.count()), 0);
  while (now() < end) {
    const auto output = output_.lock();
    if (!output || output->pending() == 0) break;
    uv_run(&uv_, UV_RUN_ONCE);
  }
  uv_timer_stop(&timer_);
}

}  // namespace loop
