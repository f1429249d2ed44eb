#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace util {

template <class Signature>
class Function;

/// A callable that may own move-only things, unlike std::function. Calling an empty one is a bug.
/// The callback conventions of this program: move a Function out of its table before calling it.
template <class R, class... Args>
class Function<R(Args...)> {
 public:
  Function() = default;
  Function(std::nullptr_t) {}

  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, Function> &&
                                              std::is_invocable_r_v<R, std::decay_t<F>&, Args...>>>
  Function(F&& callable) : body_(std::make_unique<Body<std::decay_t<F>>>(std::forward<F>(callable))) {}

  explicit operator bool() const { return body_ != nullptr; }

  R operator()(Args... args) { return body_->call(std::forward<Args>(args)...); }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual R call(Args... args) = 0;
  };

  template <class F>
  struct Body final : Callable {
    explicit Body(F callable) : callable_(std::move(callable)) {}
    R call(Args... args) override {
      // A Function that returns void takes callables that return something, as is_invocable_r does.
      if constexpr (std::is_void_v<R>) {
        static_cast<void>(callable_(std::forward<Args>(args)...));
      } else {
        return callable_(std::forward<Args>(args)...);
      }
    }
    F callable_;
  };

  std::unique_ptr<Callable> body_;
};

}  // namespace util
