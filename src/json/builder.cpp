#include "json/builder.hpp"

#include <rapidjson/reader.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "json/utf8.hpp"
#include "util/str.hpp"

namespace json {
namespace {

/// Reads all of the text as one integer.
template <class Number>
std::optional<Number> integer(std::string_view text) {
  Number number{};
  const auto end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

rapidjson::ParseResult Builder::read(std::string_view text) {
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  rapidjson::ParseResult result;
  stream_ = &stream;
  static_cast<void>(build([this, &stream, &reader, &result] {
    // The reader's recursion is bounded by max_depth. Encodings are checked by String(), because
    // the reader's own check does not see an escaped surrogate without its other half.
    result = reader.Parse<rapidjson::kParseNumbersAsStringsFlag>(stream, *this);
    return !result.IsError();
  }));
  stream_ = nullptr;
  // The reader takes a zero byte for the end.
  if (!result.IsError() && stream.Tell() != text.size()) {
    result.Set(rapidjson::kParseErrorDocumentRootNotSingular, stream.Tell());
  }
  return result;
}

bool Builder::String(const char* text, rapidjson::SizeType size, bool copy) {
  if (is_utf8({text, size})) return Base::String(text, size, copy);
  complaint_ = "The string before is not valid UTF-8.";
  return false;
}

bool Builder::RawNumber(const char* text, rapidjson::SizeType size, bool) {
  const std::string_view digits(text, size);
  if (const auto number = integer<std::uint64_t>(digits)) return Uint64(*number);
  if (const auto number = integer<std::int64_t>(digits)) return Int64(*number);
  return marked(number_mark, digits);
}

bool Builder::deeper() {
  if (++depth_ <= max_depth) return true;
  complaint_ = "Nesting deeper than 100 levels.";
  return false;
}

bool Builder::marked(char mark, std::string_view text) {
  const auto whole = util::str(mark, text);
  return Base::String(whole.data(), static_cast<rapidjson::SizeType>(whole.size()), true);
}

/// Whether the name that was just read stands between its quotes byte for byte. An escape is always longer than what
/// it stands for.
bool Builder::is_written_as(std::string_view name) const {
  const char* end = stream_->src_ - 1;
  const auto room = static_cast<std::size_t>(end - stream_->begin_);
  return room > name.size() && std::string_view(end - name.size(), name.size()) == name &&
         end[-1 - static_cast<std::ptrdiff_t>(name.size())] == '"';
}

}  // namespace json
