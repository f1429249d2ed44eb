#pragma once

#include <functional>
#include <optional>
#include <string>

#include "json/value.hpp"
#include "util/result.hpp"

namespace plugin {

enum class OptionType { string, integer, boolean };

/// lightningd's word for it.
[[nodiscard]] const char* name_of(OptionType type);

/// An option of ours. `set` is called with the value at init (the default too, since lightningd
/// sends it) and, for a dynamic one, at setconfig; an error refuses the value. It always gets the
/// JSON type that `type` says, although setconfig sends every value as a string.
struct Option {
  std::string name;
  OptionType type = OptionType::string;
  std::string description;
  std::string default_json;  ///< JSON text; empty: none
  bool dynamic = false;
  std::function<util::Result<void>(const json::Value& value)> set;
  /// Decides about a value without taking it (lightningd's `check setconfig`); may be empty. `set`
  /// gets only values that passed it.
  std::function<util::Result<void>(const json::Value& value)> check;
};

/// The value that lightningd gave for `option`, as the JSON type that the option declares. init
/// sends typed values; setconfig sends strings, and nothing at all for a bare name. A value that is not
/// of that type, or that the option's `check` refuses, is an error.
[[nodiscard]] util::Result<json::Document> option_value(const Option& option, const std::optional<json::Value>& given);

}  // namespace plugin
