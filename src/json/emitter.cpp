#include "json/emitter.hpp"

#include <algorithm>

#include "json/utf8.hpp"

namespace json {
namespace {

/// Whether a JSON string holds this character as it is, whatever stands around it.
bool is_plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

}  // namespace

bool Emitter::string(std::string_view text) {
  // Nearly all strings, and all large ones (PSBTs), take this path.
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    Prefix(rapidjson::kStringType);
    os_->text.append(1, '"').append(text).append(1, '"');
    return EndValue(true);
  }
  const auto repaired = is_utf8(text) ? std::string() : repaired_utf8(text);
  if (!repaired.empty()) text = repaired;
  return String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
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
