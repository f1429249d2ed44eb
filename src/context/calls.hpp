#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "context/settings.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace context {

/// How calls to lightningd are made for one scope: by which client, and how long an answer may take. Cheap to copy;
/// the scope must outlive it.
struct Calls {
  spark::Scope& scope;
  lightningd::Client client;
  Settings settings;

  /// The same for undoing, where what concerns lightningd alone has to be quick.
  [[nodiscard]] Calls while_undoing() const { return {scope, client, settings.while_undoing()}; }

  /// A reply handler for a call that concerns lightningd itself and no peer. It belongs to the scope, and
  /// after the local deadline it gets an error instead (code Caller::lost: what the call did is in
  /// doubt), so that a stuck lightningd or a stuck hook of another plugin does not hold up a batch.
  template <class T>
  [[nodiscard]] lightningd::Reply<T> local(const char* method, lightningd::Reply<T> then) const {
    auto shared = std::make_shared<util::AnyFunction>(std::move(then));
    return scope.expect<util::Result<T>>(
        method, settings.local_timeout,
        [shared](util::Result<T> answer) { lightningd::Reply<T>::of(std::move(*shared))(std::move(answer)); },
        unanswered(method, shared, [](util::AnyFunction any, util::Error error) {
          lightningd::Reply<T>::of(std::move(any))(std::move(error));
        }));
  }

  /// Such a call whose answer must be as of just now, since something is done by it that cannot be taken back.
  /// One that took longer than a second is asked for again, a few times: a node that is always so slow gets on.
  template <class T>
  void fresh(const char* method, std::function<void(lightningd::Reply<T>)> ask, lightningd::Reply<T> then,
             int tries = 5) const {
    auto judge = [calls = *this, method, ask, tries, asked = scope.runtime().now(),
                  then = std::move(then)](util::Result<T> answer) mutable {
      const bool stale = calls.scope.runtime().now() - asked > std::chrono::seconds(1);
      if (!answer || !stale || tries <= 1) return then(std::move(answer));
      calls.fresh<T>(method, std::move(ask), std::move(then), tries - 1);
    };
    ask(local<T>(method, std::move(judge)));
  }

 private:
  /// What runs when lightningd has not answered in time: `fail` with the error and `then`, whose type it knows.
  [[nodiscard]] util::Function<void()> unanswered(const char* method, std::shared_ptr<util::AnyFunction> then,
                                                  void (*fail)(util::AnyFunction then, util::Error error)) const;
};

}  // namespace context
