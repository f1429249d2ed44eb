#pragma once

#include <string>
#include <string_view>

namespace jsonrpc {

/// The text with words in place of each run of 40 or more hex digits that is UTF-8 and of a text's characters, NULs at
/// its end aside. That is how lightningd shows what a peer wrote when any byte of it is not printable ASCII
/// (sanitize_error, v26.06.6). Ids, keys, transactions and PSBTs are no words and stay.
[[nodiscard]] std::string with_words(std::string_view text);

}  // namespace jsonrpc
