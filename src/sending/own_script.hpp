#pragma once

#include "context/calls.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"
#include "util/bytes.hpp"

namespace sending {

enum class Ownership {
  ours,     ///< lightningd has given out its address
  foreign,  ///< it has not
  unknown,  ///< it cannot be asked (before v24.11)
};

/// Whose a script is that a record says to be the wallet's. Asked where a record of another process is about to be
/// followed; a script that lightningd has just given to this one needs no such question. lightningd derives its
/// keys one after the other until it finds the address: that takes a while on a node that has given out many.
void ask_ownership(const context::Calls& calls, const util::Bytes& script, lightningd::Reply<Ownership> then);

}  // namespace sending
