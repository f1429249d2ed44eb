#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace util {

/// Of an error's message that is passed on or kept. A peer's error may have 64 KB.
inline constexpr std::size_t longest_message = 2000;

/// The text without what may be a PSBT or a transaction: each run of 100 or more characters of base64 (of either
/// alphabet) or hex becomes "(136 characters cut)". Backslashes belong to a run, because JSON may escape a slash
/// within. Ids and txids are shorter, and whatever separates two of them ends the run.
[[nodiscard]] std::string without_secrets(std::string_view text);

/// The text with "?" in place of each character that changes how a terminal or a log shows what stands around it:
/// control characters (C0 but tab and line break, DEL, C1), line and paragraph separators (U+2028, U+2029) and
/// those that change the direction of writing. UTF-8.
[[nodiscard]] std::string without_controls(std::string_view text);

/// Whether such a character begins at `at`: its bytes, 0 if none does.
[[nodiscard]] std::size_t control_at(std::string_view text, std::size_t at);

/// At most `limit` bytes of the text, cut between two characters, and how long it was.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t limit);

/// All three: for what another program or a peer wrote.
[[nodiscard]] std::string safe_text(std::string_view text, std::size_t limit = longest_message);

}  // namespace util
