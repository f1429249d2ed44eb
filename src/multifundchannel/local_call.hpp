#pragma once

#include <memory>
#include <utility>

#include "lightningd/client.hpp"
#include "multifundchannel/settings.hpp"
#include "spark/scope.hpp"
#include "util/str.hpp"

namespace multifundchannel {

/// A reply handler for a call that concerns lightningd itself and no peer. It belongs to `scope`, and
/// after the local deadline it gets an error instead (code Caller::lost: what the call did is in
/// doubt), so that a stuck lightningd or a stuck hook of another plugin does not hold up a batch.
template <class T>
[[nodiscard]] lightningd::Reply<T> local_call(spark::Scope& scope, const Settings& settings, const char* method,
                                              lightningd::Reply<T> then) {
  const auto shared = std::make_shared<lightningd::Reply<T>>(std::move(then));
  const auto seconds = settings.local_timeout.count() / 1000;
  return scope.expect<util::Result<T>>(
      method, settings.local_timeout, [shared](util::Result<T> answer) { (*shared)(std::move(answer)); },
      [shared, method, seconds] {
        (*shared)(util::Error{jsonrpc::Caller::lost,
                              util::str("lightningd did not answer ", method, " within ", seconds, " seconds"),
                              {}});
      });
}

}  // namespace multifundchannel
