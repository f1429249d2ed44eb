#pragma once

#include <string>
#include <string_view>

namespace jsonrpc {

/// An error's message with a peer's words in place of the hex by which lightningd shows them when any byte of them is
/// not printable ASCII (sanitize_error, v23.08 to v26.06.6): "ERROR channel <id>: 4b616e616c..". Only there, and only
/// when they are UTF-8 and of a text's characters; line breaks and tabs become blanks.
[[nodiscard]] std::string with_words(std::string_view message);

}  // namespace jsonrpc
