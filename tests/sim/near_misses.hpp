#pragma once

#include "sim/chaos.hpp"
#include "sim/random.hpp"

namespace sim {

/// Makes a world in which two batches come so close to each other, or to another user, that a call for the one may
/// hit the other. Worlds that are drawn at large hardly ever come there.
void draw_near_miss(Random& random, Chaos& chaos);

}  // namespace sim
