#include "util/safe_text.hpp"

#include <algorithm>
#include <cstdint>

#include "util/str.hpp"

namespace util {
namespace {

constexpr std::size_t shortest_secret = 100;

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Whether the character at `at` continues a run. Bitcoind's errors reach us with their line breaks escaped.
bool continues_run(std::string_view text, std::size_t at) {
  constexpr std::string_view others = "+/=-_\\";
  constexpr std::string_view escaped_space = "nrt";
  const char c = text[at];
  if (c == '\\' && at + 1 < text.size() && escaped_space.find(text[at + 1]) != std::string_view::npos) return false;
  return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
}

/// Where the run that begins at `at` ends.
std::size_t end_of_run(std::string_view text, std::size_t at) {
  while (at < text.size() && continues_run(text, at)) ++at;
  return at;
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

/// U+061C, U+200E/F, U+202A-E and U+2066-9 change the direction of writing.
constexpr Range controls[] = {{0x00, 0x08},     {0x0b, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},
                              {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}};

bool is_control(std::uint32_t character) {
  return std::any_of(std::begin(controls), std::end(controls),
                     [character](const Range& range) { return character >= range.first && character <= range.last; });
}

std::uint32_t byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto end = end_of_run(text, at);
    const auto length = end - at;
    if (length >= shortest_secret) {
      out += str('(', length, " characters cut)");
    } else {
      out += text.substr(at, length);
    }
    at = end;
    if (at < text.size()) out += text[at++];
  }
  return out;
}

std::size_t control_at(std::string_view text, std::size_t at) {
  const auto first = byte_at(text, at);
  const auto more = [text, at](std::size_t i) { return (byte_at(text, at + i) & 0xc0) == 0x80; };
  const auto low = [text, at](std::size_t i) { return byte_at(text, at + i) & 0x3f; };
  if (first < 0x80) return at < text.size() && is_control(first) ? 1 : 0;
  if ((first & 0xe0) == 0xc0 && more(1)) return is_control((first & 0x1f) << 6 | low(1)) ? 2 : 0;
  const bool three = (first & 0xf0) == 0xe0 && more(1) && more(2);
  return three && is_control((first & 0x0f) << 12 | low(1) << 6 | low(2)) ? 3 : 0;
}

std::string without_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto control = control_at(text, at);
    out += control > 0 ? '?' : text[at];
    at += std::max<std::size_t>(control, 1);
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  auto kept = limit;
  while (kept > 0 && (byte_at(text, kept) & 0xc0) == 0x80) --kept;
  return str(text.substr(0, kept), "... (", text.size(), " bytes)");
}

std::string safe_text(std::string_view text, std::size_t limit) {
  return without_controls(shortened(without_secrets(text), limit));
}

}  // namespace util
