#pragma once

#include <cstddef>

#include "lightningd/ids.hpp"
#include "util/result.hpp"

namespace lightningd {

/// Sees the calls of a Client go out and come back: which one, for whom, and with which error, but
/// neither parameters nor results. Shared with the calls in flight, which may be answered long after
/// everybody else has lost interest.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  /// `method` is a literal; `peer` is nullptr for a call that concerns no single peer. Gives a number
  /// for answered().
  [[nodiscard]] virtual std::size_t sent(const char* method, const NodeId* peer) = 0;
  /// `error` is nullptr when the call succeeded.
  virtual void answered(std::size_t call, const util::Error* error) = 0;
};

}  // namespace lightningd
