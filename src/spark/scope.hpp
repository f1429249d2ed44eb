#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "spark/runtime.hpp"
#include "util/function.hpp"
#include "util/result.hpp"

namespace spark {

class Scope;
struct Core;  // the state of a scope that its sparks, timers and guards share weakly
struct SparkState;

/// What is behind a guarded function: a claim to the callback that the scope holds for it, and what takes a reply
/// that comes when the callback is gone. One that is dropped unused drops the callback too, unless a deadline still
/// has to pass. The types of the callback's arguments are erased: only Scope::typed() knows them.
class Guarded {
 public:
  Guarded(std::weak_ptr<Core> core, std::uint64_t id, const char* what, util::AnyFunction late);
  Guarded(Guarded&&) noexcept = default;
  Guarded& operator=(Guarded&&) = delete;
  ~Guarded();
  /// The callback, which is now the caller's to run. Once that was taken, has expired or ended: `late`, the first
  /// time. Else nothing, and a line in the log.
  [[nodiscard]] util::AnyFunction take();

 private:
  std::weak_ptr<Core> core_;  // empty once moved from
  std::uint64_t id_;
  const char* what_;
  util::AnyFunction late_;
};

/// The token a spark must use exactly once. Move-only. Dropping it unused while its scope is alive
/// fails the scope with "spark abandoned".
class Completion {
 public:
  Completion(Completion&&) noexcept = default;
  Completion& operator=(Completion&&) noexcept;
  ~Completion();

  /// Completes the spark. May be called from anywhere on the loop's thread, at any time; does
  /// nothing when the scope has ended.
  void done() &&;

 private:
  friend class Scope;
  explicit Completion(std::shared_ptr<SparkState> state);
  std::shared_ptr<SparkState> state_;
};

/// A handle to one strand of work, for waiting. Copyable; dropping it does not stop the spark.
class Spark {
 public:
  [[nodiscard]] bool completed() const;

 private:
  friend class Scope;
  explicit Spark(std::shared_ptr<SparkState> state);
  std::shared_ptr<SparkState> state_;
};

/// Owner of all sparks, waits, timers and guarded callbacks of one command (or of its undoing).
/// Ending it drops them: no callback of it runs any more, only destructors do. Safe to end or to
/// destroy from inside one of its own callbacks. Everything happens on the loop's thread.
class Scope {
 public:
  /// `failed` is called from the ready queue, once, when fail() was called or a spark abandoned;
  /// the scope has ended by then. end() withdraws a failure that was not reported yet. `runtime`
  /// outlives the scope.
  Scope(Runtime& runtime, util::Function<void(util::Error)> failed);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  /// Starts `body` from the ready queue, never inside this call.
  Spark spark(util::Function<void(Completion)> body);
  /// Runs `then` once, from the ready queue, when all have completed, before or after this call.
  void wait(std::vector<Spark> sparks, util::Function<void()> then);
  template <std::size_t n>
  void wait(const Spark (&sparks)[n], util::Function<void()> then) {
    wait(std::vector<Spark>(sparks, sparks + n), std::move(then));
  }
  /// Runs `task` after `delay`, unless the scope ends before.
  void after(Duration delay, util::Function<void()> task);

  /// `then`, wrapped so that it runs at most once and not at all after the scope has ended; the types
  /// of its arguments are to be given, as in guard<Result<Started>>("fundchannel_start", ...). Dropped
  /// calls are logged at debug with `what`, a literal. The callback itself is destroyed as soon as the
  /// scope ends, however long the wrapper lives.
  template <class... Args>
  [[nodiscard]] util::Function<void(Args...)> guard(const char* what,
                                                    std::type_identity_t<util::Function<void(Args...)>> then);
  /// Like guard, with a deadline: exactly one of `then` and `expired` runs, whichever comes first
  /// (when both are due in one turn of the loop, the reply wins if it was delivered first).
  /// A reply that comes when neither can run any more, because the deadline has passed or because the
  /// scope ended before either came, goes to `late` when there is one, else to the debug log. `late`
  /// is guarded by nothing: it is how effects that arrive late are undone. It lives as long as the
  /// returned function, so it must not refer to what the scope's end takes away.
  template <class... Args>
  [[nodiscard]] util::Function<void(Args...)> expect(
      const char* what, Duration deadline, std::type_identity_t<util::Function<void(Args...)>> then,
      util::Function<void()> expired, std::type_identity_t<util::Function<void(Args...)>> late = nullptr);

  /// Ends the scope and reports the error to `failed`. Does nothing once ended.
  void fail(util::Error error);
  /// Ends the scope silently: destroys all it holds and stops its timers before it returns.
  void end();
  [[nodiscard]] bool ended() const;
  [[nodiscard]] Runtime& runtime() const;

 private:
  template <class... Args>
  [[nodiscard]] static util::Function<void(Args...)> typed(Guarded guarded);
  Guarded hold(const char* what, util::AnyFunction callback);
  Guarded hold_until(const char* what, util::AnyFunction callback, Duration deadline, util::Function<void()> expired,
                     util::AnyFunction late);

  std::shared_ptr<Core> core_;
};

template <class... Args>
util::Function<void(Args...)> Scope::typed(Guarded guarded) {
  return [guarded = std::move(guarded)](Args... args) mutable {
    if (auto run = util::Function<void(Args...)>::of(guarded.take())) run(std::forward<Args>(args)...);
  };
}

template <class... Args>
util::Function<void(Args...)> Scope::guard(const char* what, std::type_identity_t<util::Function<void(Args...)>> then) {
  return typed<Args...>(hold(what, std::move(then)));
}

template <class... Args>
util::Function<void(Args...)> Scope::expect(const char* what, Duration deadline,
                                            std::type_identity_t<util::Function<void(Args...)>> then,
                                            util::Function<void()> expired,
                                            std::type_identity_t<util::Function<void(Args...)>> late) {
  return typed<Args...>(hold_until(what, std::move(then), deadline, std::move(expired), std::move(late)));
}

}  // namespace spark
