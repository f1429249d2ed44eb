#include "jsonrpc/words_in_hex.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "json/utf8.hpp"
#include "util/bytes.hpp"

namespace jsonrpc {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

bool is_blank(char c) { return c == '\t' || c == '\n' || c == '\r'; }

/// Other control characters than those that move on or color a text tell that it is none.
bool is_of_a_text(char c) { return static_cast<unsigned char>(c) >= 0x20 || is_blank(c) || c == '\x1b'; }

bool is_printable_ascii(char c) { return c >= 0x20 && static_cast<unsigned char>(c) <= 0x7f; }

/// Whether sanitize_error puts a peer's words behind this. v23.08 writes the tags in lower case.
bool introduces_words(std::string_view before) {
  constexpr std::array<std::string_view, 5> tags{"ERROR", "WARNING", "ABORT", "error", "warning"};
  constexpr std::string_view channel = " channel ";
  constexpr std::size_t id = 64;
  if (!before.ends_with(": ")) return false;
  before.remove_suffix(2);
  if (before.size() > id + channel.size() && before.substr(before.size() - id - channel.size()).starts_with(channel)) {
    before.remove_suffix(id + channel.size());
  }
  return std::any_of(tags.begin(), tags.end(), [before](std::string_view tag) { return before.ends_with(tag); });
}

/// What is all printable ASCII lightningd would have shown as it is.
std::optional<std::string> words(std::string_view hex) {
  const auto bytes = util::from_hex(hex);
  if (!bytes) return std::nullopt;
  std::string text(bytes->begin(), bytes->end());
  if (std::all_of(text.begin(), text.end(), is_printable_ascii)) return std::nullopt;
  text.erase(text.find_last_not_of('\0') + 1);
  if (!std::all_of(text.begin(), text.end(), is_of_a_text) || !json::is_utf8(text)) return std::nullopt;
  std::replace_if(text.begin(), text.end(), is_blank, ' ');
  return text;
}

}  // namespace

std::string with_words(std::string_view message) {
  const auto last = message.find_last_not_of(digits);
  const auto at = last == std::string_view::npos ? 0 : last + 1;
  const auto found = introduces_words(message.substr(0, at)) ? words(message.substr(at)) : std::nullopt;
  return std::string(message.substr(0, found ? at : message.size())) + found.value_or("");
}

}  // namespace jsonrpc
