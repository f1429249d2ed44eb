#pragma once

#include <string_view>

namespace sim {

/// Whether the plugin is to be wrong in this way now; see mutations.hpp. The patches in mutations/ ask it.
[[nodiscard]] bool mutated(std::string_view name);

}  // namespace sim
