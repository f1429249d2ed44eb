#pragma once

#include <new>
#include <string>
#include <type_traits>
#include <utility>

namespace util {

/// The standard codes of JSON-RPC that this program answers with.
namespace code {
inline constexpr int parse_error = -32700;
inline constexpr int unknown_method = -32601;
inline constexpr int invalid_params = -32602;
}  // namespace code

/// An error as JSON-RPC knows it. `code` is lightningd's (common/jsonrpc_errors.h) or a standard
/// JSON-RPC code; `data` is the raw JSON text of the `data` member, empty when there is none.
struct Error {
  int code = -1;
  std::string message;
  std::string data;
};

/// A Result was asked for its value and is an error, or the other way round: a bug, thrown to the loop's edge.
[[noreturn]] void wrong_access();

/// Either a value or an Error. Errors are values here: nothing in this program throws one.
/// A union of its own and not std::variant, which costs the compiler several times as much for each T.
template <class T>
class [[nodiscard]] Result {
 public:
  // Implicit on purpose: `return value;` and `return Error{...};` both read well.
  Result(T value) : value_(std::move(value)), ok_(true) {}
  Result(Error error) : error_(std::move(error)), ok_(false) {}
  Result(const Result& other) requires std::is_copy_constructible_v<T> : ok_(other.ok_) {
    if (ok_) {
      new (&value_) T(other.value_);
    } else {
      new (&error_) Error(other.error_);
    }
  }
  Result(Result&& other) noexcept : ok_(other.ok_) { take(other); }
  Result& operator=(Result other) noexcept {
    destroy();
    ok_ = other.ok_;
    take(other);
    return *this;
  }
  ~Result() { destroy(); }

  [[nodiscard]] bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }

  T& operator*() { return *operator->(); }
  const T& operator*() const { return *operator->(); }
  T* operator->() {
    if (!ok_) wrong_access();
    return &value_;
  }
  const T* operator->() const {
    if (!ok_) wrong_access();
    return &value_;
  }

  [[nodiscard]] Error& error() {
    if (ok_) wrong_access();
    return error_;
  }
  [[nodiscard]] const Error& error() const {
    if (ok_) wrong_access();
    return error_;
  }

 private:
  // Out of line: smaller code, and g++ 12 takes the member that is not there for used when it sees through both.
  [[gnu::noinline]] void take(Result& other) {
    if (ok_) {
      new (&value_) T(std::move(other.value_));
    } else {
      new (&error_) Error(std::move(other.error_));
    }
  }
  [[gnu::noinline]] void destroy() {
    if (ok_) {
      value_.~T();
    } else {
      error_.~Error();
    }
  }

  union {
    T value_;
    Error error_;
  };
  bool ok_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  [[nodiscard]] bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  [[nodiscard]] Error& error() { return error_; }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace util
