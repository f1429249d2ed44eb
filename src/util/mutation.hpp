#pragma once

#include <string_view>

namespace util {

#ifdef MULTIFUNDCHANNEL_MUTATIONS

/// Whether the plugin is to be wrong on purpose at the place with this name: tests/sim/mutations.hpp.
[[nodiscard]] bool mutated(std::string_view name);

#else

/// In all that is shipped the plugin is never wrong on purpose, and no such name is left in it.
[[nodiscard]] constexpr bool mutated(std::string_view) { return false; }

#endif

}  // namespace util
