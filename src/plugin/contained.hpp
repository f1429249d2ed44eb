#pragma once

#include <exception>
#include <string_view>

#include "util/log.hpp"
#include "util/result.hpp"
#include "util/str.hpp"

namespace plugin {

/// Runs `body`, which returns a util::Result. An exception of a handler or of a library becomes an
/// error: nothing may unwind into the loop, and lightningd waits for an answer.
template <class Body>
auto contained(std::string_view what, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& exception) {
    util::error(what, ": ", std::string_view(exception.what()));
  } catch (...) {
    util::error(what, ": unknown exception");
  }
  return util::Error{-1, util::str("internal error in ", what), {}};
}

}  // namespace plugin
