#include "json/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace json {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

/// What may follow a lead byte: how many bytes, and the range of the first of them. All later ones
/// are 80..BF. No length: not a lead byte.
struct Lead {
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
};

Lead lead(std::uint8_t byte) {
  if (byte < 0x80) return {.length = 1};
  if (byte < 0xc2) return {};
  if (byte < 0xe0) return {.length = 2};
  if (byte == 0xe0) return {.length = 3, .low = 0xa0};
  if (byte == 0xed) return {.length = 3, .high = 0x9f};
  if (byte < 0xf0) return {.length = 3};
  if (byte == 0xf0) return {.length = 4, .low = 0x90};
  if (byte < 0xf4) return {.length = 4};
  if (byte == 0xf4) return {.length = 4, .high = 0x8f};
  return {};
}

/// Where the run of ASCII that begins at `at` ends, give or take the last seven bytes: nearly all texts, and all
/// large ones (PSBTs), are nothing else, and eight bytes at a time are several times as fast.
std::size_t after_ascii(std::string_view text, std::size_t at) {
  std::uint64_t word = 0;
  while (text.size() - at >= sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & 0x8080808080808080) != 0) break;
    at += sizeof word;
  }
  return at;
}

/// Bytes of the well-formed sequence that begins at `at`; 0 when there is none.
std::size_t sequence(std::string_view text, std::size_t at) {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto first = lead(byte(at));
  if (first.length > text.size() - at) return 0;
  if (first.length > 1 && (byte(at + 1) < first.low || byte(at + 1) > first.high)) return 0;
  for (std::size_t i = 2; i < first.length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  return first.length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = after_ascii(text, 0); at < text.size(); at = after_ascii(text, at)) {
    const auto length = sequence(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string repaired_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto length = sequence(text, at);
    out += length == 0 ? replacement : text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

}  // namespace json
