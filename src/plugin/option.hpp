#pragma once

#include <optional>

#include "json/value.hpp"
#include "plugin/plugin.hpp"
#include "util/result.hpp"

namespace plugin {

/// The value that lightningd gave for `option`, as the JSON type that the option declares. init
/// sends typed values; setconfig sends strings, and nothing at all for a flag. A value that is not
/// of that type, or that the option's `check` refuses, is an error.
[[nodiscard]] util::Result<json::Document> option_value(const Option& option, const std::optional<json::Value>& given);

}  // namespace plugin
