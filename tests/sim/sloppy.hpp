#pragma once

#include <string>
#include <string_view>

#include "sim/random.hpp"

namespace sim {

/// The same JSON text as a hurried human would type it and lightningd lets through: commas too many or left out
/// at the end, blank lines, node ids without quotes, amounts with a nought before them or a unit behind. It means the
/// same.
[[nodiscard]] std::string sloppy(std::string_view json, Random& random);

/// The message (one object) with some damage: characters changed, lost, added or swapped, parts missing. What comes
/// out still is one object to whoever only counts braces, so that the stream can be followed.
[[nodiscard]] std::string damaged(std::string_view message, Random& random);

}  // namespace sim
