#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "json/value.hpp"
#include "jsonrpc/caller.hpp"
#include "lightningd/call_observer.hpp"
#include "lightningd/ids.hpp"
#include "util/function.hpp"
#include "util/result.hpp"
#include "util/rope.hpp"

namespace lightningd {

/// lightningd answered a call with something else than it is known to: what the call did is in doubt.
inline constexpr int unreadable_reply = jsonrpc::Caller::unreadable;

/// Whether a call that failed may have had its effect all the same.
[[nodiscard]] inline bool in_doubt(const util::Error& error) {
  return error.code == jsonrpc::Caller::lost || error.code == unreadable_reply;
}

template <class T>
using Reply = util::Function<void(util::Result<T>)>;

/// Makes calls and reads their replies: each into the type that its parser gives, or an error that is safe to show. The
/// observer, if there is one, sees them go out and come back. Cheap to copy; the Caller must outlive it.
class TypedCaller {
 public:
  /// `origin` prefixes the ids of all calls.
  TypedCaller(jsonrpc::Caller& caller, std::string origin, std::shared_ptr<CallObserver> observer)
      : caller_(&caller), origin_(std::move(origin)), observer_(std::move(observer)) {}

  /// A method, a literal, and the one peer that the call concerns, if it does.
  struct Call {
    Call(const char* name, const NodeId* whom = nullptr) : method(name), peer(whom) {}
    const char* method;
    const NodeId* peer;
  };

  template <class T>
  using Parse = util::Result<T> (*)(const json::Value&);

  /// `params` is the JSON text of an object or array; `filter` as in Caller::call.
  template <class T>
  void send(Call call, util::Rope params, Parse<T> parse, Reply<T> then, std::string_view filter = {}) const {
    send(call, std::move(params), {reinterpret_cast<void (*)()>(parse), &answer<T>, std::move(then)}, filter);
  }

 private:
  /// What differs from one type of reply to the next; the types of both functions are erased.
  struct Handler {
    void (*parse)();  ///< a Parse<T>
    void (*answer)(void (*parse)(), util::AnyFunction then, util::Result<json::Value> reply, const char* method);
    util::AnyFunction then;  ///< a Reply<T>
  };

  void send(Call call, util::Rope params, Handler handler, std::string_view filter) const;
  template <class T>
  static void answer(void (*parse)(), util::AnyFunction then, util::Result<json::Value> reply, const char* method) {
    auto typed = Reply<T>::of(std::move(then));
    if (!reply.ok()) return typed(std::move(reply.error()));
    auto result = reinterpret_cast<Parse<T>>(parse)(*reply);
    if (result.ok()) return typed(std::move(result));
    typed(unreadable(method, result.error()));
  }
  [[nodiscard]] static util::Error unreadable(const char* method, const util::Error& error);

  jsonrpc::Caller* caller_;
  std::string origin_;
  std::shared_ptr<CallObserver> observer_;  ///< may be empty
};

}  // namespace lightningd
