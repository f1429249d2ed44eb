#include "json/value.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>

#include <charconv>
#include <system_error>

#include "json/emitter.hpp"
#include "json/utf8.hpp"
#include "util/str.hpp"

namespace json {
namespace {

using Dom = rapidjson::Value;

constexpr int parse_error = -32700;
constexpr int invalid_params = -32602;
constexpr unsigned max_depth = 100;

// A number that is no 64-bit integer (1.5, 1e3, 20 digits) is kept in its own digits: as a DOM string
// that begins with this byte, which no string of a JSON text can, because it is not UTF-8. So no
// number ever becomes a double or loses a digit.
constexpr char number_mark = '\xff';

const Dom& dom(const void* raw) { return *static_cast<const Dom*>(raw); }

std::string_view text_of(const Dom& string) { return {string.GetString(), string.GetStringLength()}; }

bool is_marked_number(const Dom& value) { return value.IsString() && text_of(value).starts_with(number_mark); }

/// The first member of that name; null when there is none or `value` is no object.
const Dom* member(const Dom& value, std::string_view name) {
  if (!value.IsObject()) return nullptr;
  for (const auto& entry : value.GetObject()) {
    if (text_of(entry.name) == name) return &entry.value;
  }
  return nullptr;
}

/// Reads all of the text as one integer.
template <class Number>
std::optional<Number> integer(std::string_view text) {
  Number number{};
  const auto end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return number;
}

/// Writes a DOM with its marked numbers as the numbers they are.
class Dumper final : public Emitter {
 public:
  using Emitter::Emitter;
  bool Key(const char* text, rapidjson::SizeType size, bool) { return string({text, size}); }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view whole(text, size);
    return whole.starts_with(number_mark) ? raw(whole.substr(1)) : string(whole);
  }
};

/// The DOM, built from the events of RapidJSON's reader. The events declared here hide those of
/// rapidjson::Document; returning false stops the reader.
class Builder final : public rapidjson::Document {
 public:
  rapidjson::ParseResult read(std::string_view text);
  /// Why an event returned false.
  [[nodiscard]] const char* complaint() const { return complaint_; }

  bool StartObject() { return deeper() && Base::StartObject(); }
  bool StartArray() { return deeper() && Base::StartArray(); }
  bool EndObject(rapidjson::SizeType count) {
    --depth_;
    return Base::EndObject(count);
  }
  bool EndArray(rapidjson::SizeType count) {
    --depth_;
    return Base::EndArray(count);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool copy) { return String(text, size, copy); }
  bool String(const char* text, rapidjson::SizeType size, bool copy) {
    if (is_utf8({text, size})) return Base::String(text, size, copy);
    complaint_ = "The string before is not valid UTF-8.";
    return false;
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view digits(text, size);
    if (const auto number = integer<std::uint64_t>(digits)) return Uint64(*number);
    if (const auto number = integer<std::int64_t>(digits)) return Int64(*number);
    const auto marked = util::str(number_mark, digits);
    return Base::String(marked.data(), static_cast<rapidjson::SizeType>(marked.size()), true);
  }

 private:
  using Base = rapidjson::Document;

  bool deeper() {
    if (++depth_ <= max_depth) return true;
    complaint_ = "Nesting deeper than 100 levels.";
    return false;
  }

  unsigned depth_ = 0;
  const char* complaint_ = "";
};

rapidjson::ParseResult Builder::read(std::string_view text) {
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  rapidjson::ParseResult result;
  auto events = [this, &stream, &reader, &result](Base&) {
    // The reader's recursion is bounded by max_depth. Encodings are checked by String(), because
    // the reader's own check does not see an escaped surrogate without its other half.
    result = reader.Parse<rapidjson::kParseNumbersAsStringsFlag>(stream, *this);
    return !result.IsError();
  };
  Populate(events);
  // The reader takes a zero byte for the end.
  if (!result.IsError() && stream.Tell() != text.size()) {
    result.Set(rapidjson::kParseErrorDocumentRootNotSingular, stream.Tell());
  }
  return result;
}

}  // namespace

bool Value::is_null() const { return dom(raw_).IsNull(); }
bool Value::is_object() const { return dom(raw_).IsObject(); }
bool Value::is_array() const { return dom(raw_).IsArray(); }
bool Value::is_string() const { return dom(raw_).IsString() && !is_marked_number(dom(raw_)); }
bool Value::is_number() const { return dom(raw_).IsNumber() || is_marked_number(dom(raw_)); }
bool Value::is_bool() const { return dom(raw_).IsBool(); }

util::Result<bool> Value::boolean() const {
  if (!is_bool()) return expected("true or false");
  return dom(raw_).GetBool();
}

util::Result<std::string_view> Value::string() const {
  if (!is_string()) return expected("a string");
  return text_of(dom(raw_));
}

util::Result<std::uint64_t> Value::u64() const {
  if (!dom(raw_).IsUint64()) return expected("an integer from 0 to 18446744073709551615");
  return dom(raw_).GetUint64();
}

util::Result<std::uint32_t> Value::u32() const {
  if (!dom(raw_).IsUint()) return expected("an integer from 0 to 4294967295");
  return dom(raw_).GetUint();
}

util::Result<std::int64_t> Value::i64() const {
  if (!dom(raw_).IsInt64()) return expected("an integer from -9223372036854775808 to 9223372036854775807");
  return dom(raw_).GetInt64();
}

util::Result<Value> Value::field(std::string_view name) const {
  if (!is_object()) return expected("an object");
  auto path = util::str(path_, '.', name);
  const auto* found = member(dom(raw_), name);
  if (found == nullptr) return util::Error{invalid_params, util::str(path, ": missing"), {}};
  return Value(found, std::move(path));
}

std::optional<Value> Value::find(std::string_view name) const {
  const auto* found = member(dom(raw_), name);
  if (found == nullptr || found->IsNull()) return std::nullopt;
  return Value(found, util::str(path_, '.', name));
}

util::Result<std::string_view> Value::string(std::string_view name) const {
  const auto found = field(name);
  return found ? found->string() : found.error();
}

util::Result<std::uint64_t> Value::u64(std::string_view name) const {
  const auto found = field(name);
  return found ? found->u64() : found.error();
}

util::Result<bool> Value::boolean(std::string_view name) const {
  const auto found = field(name);
  return found ? found->boolean() : found.error();
}

std::vector<Value> Value::elements() const {
  std::vector<Value> out;
  if (!is_array()) return out;
  out.reserve(size());
  for (const auto& element : dom(raw_).GetArray()) {
    out.push_back(Value(&element, util::str(path_, '[', out.size(), ']')));
  }
  return out;
}

std::vector<std::pair<std::string_view, Value>> Value::members() const {
  std::vector<std::pair<std::string_view, Value>> out;
  if (!is_object()) return out;
  out.reserve(size());
  for (const auto& entry : dom(raw_).GetObject()) {
    const auto name = text_of(entry.name);
    out.emplace_back(name, Value(&entry.value, util::str(path_, '.', name)));
  }
  return out;
}

std::size_t Value::size() const {
  if (is_array()) return dom(raw_).Size();
  return is_object() ? dom(raw_).MemberCount() : 0;
}

std::string Value::dump() const {
  TextStream out;
  Dumper dumper(out);
  dom(raw_).Accept(dumper);
  return std::move(out.text);
}

std::string Value::excerpt(std::size_t limit) const {
  constexpr std::string_view ellipsis = "...";
  auto text = dump();
  if (text.size() <= limit) return text;
  std::size_t kept = limit < ellipsis.size() ? 0 : limit - ellipsis.size();
  while (kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xc0) == 0x80) --kept;  // not within a character
  text.resize(kept);
  return text += ellipsis.substr(0, limit);
}

util::Error Value::expected(std::string_view what) const {
  return {invalid_params, util::str(path_, ": expected ", what, ", got ", excerpt()), {}};
}

struct Document::Impl {
  Builder dom;
  std::string name;
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

util::Result<Document> Document::parse(std::string_view text, std::string name) {
  auto impl = std::make_unique<Impl>();
  const auto result = impl->dom.read(text);
  if (result.IsError()) {
    const bool ours = result.Code() == rapidjson::kParseErrorTermination;
    const std::string_view reason = ours ? impl->dom.complaint() : rapidjson::GetParseError_En(result.Code());
    return util::Error{parse_error, util::str(name, ": not valid JSON at byte ", result.Offset(), ": ", reason), {}};
  }
  impl->name = std::move(name);
  return Document(std::move(impl));
}

Value Document::root() const {
  const Dom& root = impl_->dom;
  return Value(&root, impl_->name);
}

}  // namespace json
