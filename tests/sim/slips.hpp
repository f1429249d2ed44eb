#pragma once

#include <string>

#include "sim/random.hpp"

namespace sim {

/// The parameters of a batch (an object whose first destination has a numeric amount, or not) with something in them
/// that people type and should not have: their own node, an address that is none, a push of nearly everything, "ALL",
/// a close_to of another network or kind, a tiny feerate. Some of it is refused, some of it opens.
[[nodiscard]] std::string draw_slip(Random& random, std::string params);

}  // namespace sim
