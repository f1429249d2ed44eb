#pragma once

#include <vector>

#include "json/value.hpp"
#include "request/request.hpp"
#include "util/result.hpp"

namespace request {

/// The whole of the parameter `destinations`, with the rules that hold between destinations.
[[nodiscard]] util::Result<std::vector<Destination>> parse_destinations(const json::Value& value);

}  // namespace request
