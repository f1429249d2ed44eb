#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "spark/runtime.hpp"
#include "util/result.hpp"

namespace sim {

/// What became of one call.
struct Outcome {
  std::string method;
  std::string params;                                ///< JSON text, as lightningd got it
  bool answered = false;                             ///< false: virtual time ran out, or nothing was left to happen
  bool lost = false;                                 ///< lightningd was killed before it answered
  util::Result<std::string> result = util::Error{};  ///< JSON text
  spark::Duration took{0};
  std::vector<std::string> notifications;  ///< method and params of each
  std::size_t replies = 0;

  [[nodiscard]] bool ok() const { return answered && result.ok(); }
};

}  // namespace sim
