#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/virtual_time.hpp"
#include "spark/scope.hpp"
#include "util/log.hpp"

/// What every test of the scheduler needs: a scope on virtual time, a record of what ran, and the
/// debug log.
struct Bench {
  Bench() {
    scope.emplace(time, [this](util::Error error) { note("failed: " + error.message)(); });
    util::set_log_sink([this](util::Level, std::string_view line) { log.emplace_back(line); });
  }
  ~Bench() { util::set_log_sink(nullptr); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  using Trace = std::vector<std::string>;

  [[nodiscard]] util::Function<void()> note(std::string text) {
    return [this, text = std::move(text)] { trace.push_back(text); };
  }
  /// A reply's callback that notes the reply.
  [[nodiscard]] util::Function<void(int)> note_reply(std::string text) {
    return [this, text = std::move(text)](int reply) { trace.push_back(util::str(text, ' ', reply)); };
  }
  /// A body that completes at once.
  [[nodiscard]] util::Function<void(spark::Completion)> finish(std::string text) {
    return [this, text = std::move(text)](spark::Completion completion) {
      trace.push_back(text);
      std::move(completion).done();
    };
  }
  /// A body that keeps its completion in `completions`.
  [[nodiscard]] util::Function<void(spark::Completion)> keep() {
    return [this](spark::Completion completion) { completions.push_back(std::move(completion)); };
  }

  sim::VirtualTime time;
  Trace trace;
  Trace log;
  std::optional<spark::Scope> scope;
  std::vector<spark::Completion> completions;
};

/// Something to capture: tells whether the callback that owns it has been destroyed.
struct Capture {
  std::shared_ptr<int> object = std::make_shared<int>(0);
  std::weak_ptr<int> watch = object;
  [[nodiscard]] std::shared_ptr<int> give() { return std::move(object); }
  [[nodiscard]] bool destroyed() const { return watch.expired(); }
};
