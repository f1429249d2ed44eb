#pragma once

#include <string>
#include <vector>

#include "sim/outcome.hpp"

namespace sim {

/// What is wrong with what one caller was told: invariants 4, 6 and 7 of the design.
[[nodiscard]] std::vector<std::string> wrong_answers(const Outcome& call);

}  // namespace sim
