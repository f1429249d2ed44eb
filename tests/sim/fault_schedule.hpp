#pragma once

#include "sim/random.hpp"
#include "sim/setup.hpp"

namespace sim {

/// Draws what goes wrong beside the peers: broadcasts, calls to lightningd, other users of the node,
/// blocks, and kills. Each kind of fault is in some worlds and not in others, so that each meets calm
/// surroundings as well as all the others.
void draw_faults(Random& random, Setup& setup);

}  // namespace sim
