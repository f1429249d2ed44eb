#include "jsonrpc/words_in_hex.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "json/utf8.hpp"
#include "util/bytes.hpp"

namespace jsonrpc {
namespace {

/// Digits: what is no text may look like a shorter one.
constexpr std::size_t shortest = 40;
constexpr std::string_view digits = "0123456789abcdef";

/// Other control characters than those that move on or color a text tell that it is none.
bool is_of_a_text(char c) {
  constexpr std::string_view known = "\t\n\r\x1b";
  return static_cast<unsigned char>(c) >= 0x20 || known.find(c) != std::string_view::npos;
}

std::optional<std::string> words(std::string_view run) {
  const auto bytes = run.size() < shortest ? std::nullopt : util::from_hex(run);
  if (!bytes) return std::nullopt;
  std::string text(bytes->begin(), bytes->end());
  text.erase(text.find_last_not_of('\0') + 1);
  const bool is_text = !text.empty() && std::all_of(text.begin(), text.end(), is_of_a_text) && json::is_utf8(text);
  return is_text ? std::optional(text) : std::nullopt;
}

}  // namespace

std::string with_words(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find_first_not_of(digits, at), text.size());
    const auto run = text.substr(at, end - at);
    const auto found = words(run);
    out += found ? *found : run;
    at = end;
    if (at < text.size()) out += text[at++];
  }
  return out;
}

}  // namespace jsonrpc
