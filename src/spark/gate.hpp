#pragma once

#include <cstddef>
#include <memory>

#include "spark/runtime.hpp"
#include "util/function.hpp"

namespace spark {

/// At most n holders at a time, first come first served. Must outlive nobody: passes that are still
/// held when the gate goes are harmless.
class Gate {
 public:
  /// Held while one is inside; destroying it (or leave()) lets the next one in, from the ready queue.
  class Pass {
   public:
    Pass() = default;
    Pass(Pass&&) noexcept = default;
    Pass& operator=(Pass&& other) noexcept;
    ~Pass();
    void leave();

   private:
    friend class Gate;
    struct State;
    explicit Pass(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
  };

  Gate(Runtime& runtime, std::size_t limit);
  ~Gate();

  /// Runs `inside` from the ready queue as soon as there is room. A guarded callback whose scope
  /// has ended gives its place up at once.
  void enter(util::Function<void(Pass)> inside);
  /// May be changed at any time; lowering it takes effect as holders leave.
  void set_limit(std::size_t limit);

 private:
  std::shared_ptr<Pass::State> state_;
};

}  // namespace spark
