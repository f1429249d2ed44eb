#include "json/emitter.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "json/utf8.hpp"
#include "util/bytes.hpp"
#include "util/safe_text.hpp"

namespace json {
namespace {

/// Whether a JSON string holds this character as it is, whatever stands around it.
bool is_plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

/// Eight characters at a time: the high bit of a byte is set where it holds none that is plain.
bool is_plain(std::uint64_t word) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = 0x80 * ones;
  const auto has_zero = [](std::uint64_t bytes) { return (bytes - ones) & ~bytes & highs; };
  const auto below_space = (word - 0x20 * ones) & ~word & highs;
  const auto above_tilde = (word + ones) & highs;  // 0x7f becomes 0x80; a carry only comes from 0xff, which is none
  return (below_space | above_tilde | (word & highs) | has_zero(word ^ ('"' * ones)) |
          has_zero(word ^ ('\\' * ones))) == 0;
}

bool is_plain(std::string_view text) {
  std::size_t at = 0;
  for (std::uint64_t word = 0; text.size() - at >= sizeof word; at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if (!is_plain(word)) return false;
  }
  return std::all_of(text.begin() + at, text.end(), [](char c) { return is_plain(c); });
}

/// \u escapes of a well-formed character of up to three bytes.
std::string escape_of(std::string_view character) {
  const auto byte = [character](std::size_t i) { return static_cast<std::uint8_t>(character[i]); };
  unsigned number = byte(0);
  if (character.size() == 2) number = (byte(0) & 0x1fu) << 6 | (byte(1) & 0x3fu);
  if (character.size() == 3) number = (byte(0) & 0x0fu) << 12 | (byte(1) & 0x3fu) << 6 | (byte(2) & 0x3fu);
  const std::uint8_t halves[] = {static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return "\\u" + util::to_hex(halves, sizeof halves);
}

/// What stands between the quotes. JSON must escape less, but terminals, logs and web pages obey more characters
/// than it knows of.
std::string escaped(std::string_view text) {
  // In pairs: the character, and what stands for it behind a backslash.
  constexpr std::string_view short_escapes = "\"\"\\\\\bb\ff\nn\rr\tt";
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t at = 0; at < text.size();) {
    const auto found = short_escapes.find(text[at]);
    if (found != std::string_view::npos && found % 2 == 0) {
      out += '\\';
      out += short_escapes[found + 1];
      ++at;
      continue;
    }
    const auto control = util::control_at(text, at);
    out += control > 0 ? escape_of(text.substr(at, control)) : text.substr(at, 1);
    at += std::max<std::size_t>(control, 1);
  }
  return out;
}

}  // namespace

bool Emitter::string(std::string_view text) {
  // Nearly all strings, and all large ones (PSBTs), take this path.
  if (is_plain(text)) return quoted(text);
  const auto repaired = is_utf8(text) ? std::string() : repaired_utf8(text);
  if (!repaired.empty()) text = repaired;
  Prefix(rapidjson::kStringType);
  os_->text.append(1, '"').append(escaped(text)).append(1, '"');
  return EndValue(true);
}

bool Emitter::quoted(std::string_view text) {
  Prefix(rapidjson::kStringType);
  os_->text.append(1, '"').append(text).append(1, '"');
  return EndValue(true);
}

bool Emitter::raw(std::string_view json) {
  Prefix(rapidjson::kNumberType);  // any type but a string's, which could stand for a key
  os_->text += json;
  return EndValue(true);
}

bool Emitter::end() {
  if (level_stack_.Empty()) return false;
  return level_stack_.template Top<Level>()->inArray ? EndArray() : EndObject();
}

}  // namespace json
