#pragma once

#include <string_view>

#include "json/builder.hpp"
#include "util/result.hpp"

namespace json {

/// Reads what lightningd's reader takes (see loose_tokens) into a DOM with the meaning that its commands give it:
/// names are what stands between their quotes, byte for byte; a primitive that is no JSON is a word, with its
/// characters; a string is what its escapes say, or, where one of them is half of a surrogate pair, its characters as
/// they stand. Bytes that are no UTF-8 become U+FFFD. For Document only.
[[nodiscard]] util::Result<void> read_leniently(std::string_view text, Builder& builder);

}  // namespace json
