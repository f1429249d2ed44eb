#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/setup.hpp"

namespace sim {

/// A world and the batches that are started in it at the same time, all drawn from one seed.
struct Chaos {
  Setup setup;
  std::vector<std::string> batches;  ///< params of multifundchannel, with "$name" for ids
};

[[nodiscard]] Chaos draw_chaos(std::uint64_t seed);

}  // namespace sim
