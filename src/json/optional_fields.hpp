#pragma once

#include <cstdint>
#include <string_view>

#include "json/value.hpp"
#include "util/result.hpp"

namespace json {

[[nodiscard]] util::Result<std::uint32_t> read_u32(const Value& object, std::string_view name);
/// One that is left out when it is 0.
[[nodiscard]] util::Result<void> read_number(const Value& object, std::string_view name, std::uint32_t& number);
/// One that is left out when it is false.
[[nodiscard]] util::Result<void> read_flag(const Value& object, std::string_view name, bool& flag);

}  // namespace json
