#pragma once

#include <string_view>

#include "sim/setup.hpp"
#include "util/result.hpp"

namespace sim {

/// The wallet, options and peers of a scenario file (tests/scenarios). What the file does not say is
/// as in a plain Setup; `delay_scale` multiplies the peers' delays.
[[nodiscard]] util::Result<Setup> read_scenario(std::string_view text, double delay_scale = 1);

}  // namespace sim
