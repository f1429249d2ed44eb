#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace util {

/// What is the same for Functions of all signatures: an object, how it is called and how it is destroyed. Of no
/// template, so that code which only keeps a Function and hands it on is compiled once and not for each signature.
class AnyFunction {
 public:
  AnyFunction() = default;
  AnyFunction(AnyFunction&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)), call_(other.call_), destroy_(other.destroy_) {}
  AnyFunction& operator=(AnyFunction&& other) noexcept {
    // The old object goes last: its destructor may come back here.
    AnyFunction incoming(std::move(other));
    std::swap(object_, incoming.object_);
    std::swap(call_, incoming.call_);
    std::swap(destroy_, incoming.destroy_);
    return *this;
  }
  ~AnyFunction() {
    if (object_) destroy_(object_);
  }

  explicit operator bool() const { return object_ != nullptr; }

 protected:
  using Call = void (*)();
  using Destroy = void (*)(void* object);

  AnyFunction(void* object, Call call, Destroy destroy) : object_(object), call_(call), destroy_(destroy) {}

  void* object_ = nullptr;
  Call call_ = nullptr;  ///< as Function knows it: R (*)(void* object, Args...)
  Destroy destroy_ = nullptr;
};

template <class Signature>
class Function;

/// A callable that may own move-only things, unlike std::function. Calling an empty one is a bug.
/// The callback conventions of this program: move a Function out of its table before calling it.
template <class R, class... Args>
class Function<R(Args...)> : public AnyFunction {
 public:
  Function() = default;
  Function(std::nullptr_t) {}

  /// `any` was made of a Function of this very signature, which nothing checks.
  [[nodiscard]] static Function of(AnyFunction any) { return Function(Trusted{}, std::move(any)); }

  template <
      class F, class Callable = std::decay_t<F>,
      class = std::enable_if_t<!std::is_same_v<Callable, Function> && std::is_invocable_r_v<R, Callable&, Args...>>>
  Function(F&& callable)
      : AnyFunction(new Callable(std::forward<F>(callable)), reinterpret_cast<Call>(&call<Callable>),
                    &destroy<Callable>) {}

  R operator()(Args... args) {
    return reinterpret_cast<R (*)(void*, Args...)>(call_)(object_, std::forward<Args>(args)...);
  }

 private:
  struct Trusted {};
  Function(Trusted, AnyFunction any) : AnyFunction(std::move(any)) {}

  template <class Callable>
  static void destroy(void* object) {
    delete static_cast<Callable*>(object);
  }

  template <class Callable>
  static R call(void* object, Args... args) {
    auto& callable = *static_cast<Callable*>(object);
    // A Function that returns void takes callables that return something, as is_invocable_r does.
    if constexpr (std::is_void_v<R>) {
      static_cast<void>(callable(std::forward<Args>(args)...));
    } else {
      return callable(std::forward<Args>(args)...);
    }
  }
};

}  // namespace util
