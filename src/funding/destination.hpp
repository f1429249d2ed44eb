#pragma once

#include <vector>

#include "funding/request.hpp"
#include "json/value.hpp"
#include "util/result.hpp"

namespace funding {

/// The whole of the parameter `destinations`, with the rules that hold between destinations.
[[nodiscard]] util::Result<std::vector<Destination>> parse_destinations(const json::Value& value);

}  // namespace funding
