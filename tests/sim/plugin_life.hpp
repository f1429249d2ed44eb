#pragma once

#include <memory>
#include <utility>

#include "spark/runtime.hpp"

namespace sim {

/// The ready queue and the clock of one plugin process: what it still had to do is gone when it is
/// killed, which is when this is destroyed. The runtime behind it must outlive it.
class PluginLife final : public spark::Runtime {
 public:
  explicit PluginLife(spark::Runtime& runtime) : runtime_(runtime) {}

  void post(util::Function<void()> task) override { runtime_.post(while_alive(std::move(task))); }
  [[nodiscard]] spark::Duration now() const override { return runtime_.now(); }
  TimerId start_timer(spark::Duration delay, util::Function<void()> task) override {
    return runtime_.start_timer(delay, while_alive(std::move(task)));
  }
  void stop_timer(TimerId timer) override { runtime_.stop_timer(timer); }

 private:
  util::Function<void()> while_alive(util::Function<void()> task) {
    return [alive = std::weak_ptr<int>(alive_), task = std::move(task)]() mutable {
      if (!alive.expired()) task();
    };
  }

  spark::Runtime& runtime_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace sim
