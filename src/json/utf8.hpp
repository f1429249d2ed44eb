#pragma once

#include <string>
#include <string_view>

namespace json {

/// Whether all of the text is well-formed UTF-8 (Unicode, table 3-7): no overlong forms, no
/// surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

/// The text with U+FFFD in place of each byte that belongs to no well-formed sequence.
[[nodiscard]] std::string repaired_utf8(std::string_view text);

}  // namespace json
