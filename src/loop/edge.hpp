#pragma once

#include <exception>

#include "util/log.hpp"

namespace loop {

/// Every call from libuv into the program goes through here: libuv is C, so no exception may pass,
/// and one that a task throws must not end the process.
template <class Call>
void at_edge(const char* what, Call call) noexcept {
  try {
    call();
  } catch (const std::exception& error) {
    util::error("exception in a ", what, ": ", error.what());
  } catch (...) {
    util::error("unknown exception in a ", what);
  }
}

}  // namespace loop
