#include "json/value.hpp"

#include <rapidjson/error/en.h>

#include "json/builder.hpp"
#include "json/emitter.hpp"
#include "json/lenient.hpp"
#include "util/str.hpp"

namespace json {
namespace {

using Dom = rapidjson::Value;

const Dom& dom(const void* raw) { return *static_cast<const Dom*>(raw); }

std::string_view text_of(const Dom& string) { return {string.GetString(), string.GetStringLength()}; }

bool is_marked(const Dom& value, char mark) { return value.IsString() && text_of(value).starts_with(mark); }

/// The first member of that name; null when there is none or `value` is no object.
const Dom* member(const Dom& value, std::string_view name) {
  if (!value.IsObject()) return nullptr;
  for (const auto& entry : value.GetObject()) {
    if (text_of(entry.name) == name) return &entry.value;
  }
  return nullptr;
}

/// Writes a DOM with its marked numbers as the numbers they are.
class Dumper final : public Emitter {
 public:
  /// With `as_typed` words stay without quotes, and so do the escapes in names, which the lenient reader leaves alone.
  Dumper(TextStream& out, bool as_typed) : Emitter(out), as_typed_(as_typed) {}
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view name(text, size);
    return as_typed_ && name.find('\\') != std::string_view::npos ? quoted(name) : string(name);
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view whole(text, size);
    if (whole.starts_with(number_mark)) return raw(whole.substr(1));
    if (whole.starts_with(word_mark)) return as_typed_ ? raw(whole.substr(1)) : string(whole.substr(1));
    return string(whole);
  }

 private:
  bool as_typed_;
};

std::string written(const Dom& value, bool as_typed) {
  TextStream out;
  Dumper dumper(out, as_typed);
  value.Accept(dumper);
  return std::move(out.text);
}

}  // namespace

bool Value::is_null() const { return dom(raw_).IsNull(); }
bool Value::is_object() const { return dom(raw_).IsObject(); }
bool Value::is_array() const { return dom(raw_).IsArray(); }
bool Value::is_string() const { return dom(raw_).IsString() && !is_marked(dom(raw_), number_mark) && !is_word(); }
bool Value::is_number() const { return dom(raw_).IsNumber() || is_marked(dom(raw_), number_mark); }
bool Value::is_word() const { return is_marked(dom(raw_), word_mark); }
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
  if (found == nullptr) return util::Error{util::code::invalid_params, util::str(path, ": missing"), {}};
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

std::string Value::dump() const { return written(dom(raw_), false); }

std::string Value::as_typed() const { return written(dom(raw_), true); }

std::string Value::excerpt(std::size_t limit) const {
  constexpr std::string_view ellipsis = "...";
  auto text = as_typed();
  if (text.size() <= limit) return text;
  std::size_t kept = limit < ellipsis.size() ? 0 : limit - ellipsis.size();
  while (kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xc0) == 0x80) --kept;  // not within a character
  text.resize(kept);
  return text += ellipsis.substr(0, limit);
}

util::Error Value::expected(std::string_view what) const {
  return {util::code::invalid_params, util::str(path_, ": expected ", what, ", got ", excerpt()), {}};
}

struct Document::Impl {
  [[nodiscard]] util::Result<void> parse(std::string_view text, const std::string& root);

  Builder dom;
  std::string name;
  bool bad_string = false;  ///< parse() failed for the bytes of a string
  std::optional<util::Error> flaw;
};

util::Result<void> Document::Impl::parse(std::string_view text, const std::string& root) {
  const auto result = dom.read(text);
  if (!result.IsError()) return {};
  bad_string = result.Code() == rapidjson::kParseErrorStringInvalidEncoding ||
               result.Code() == rapidjson::kParseErrorStringUnicodeSurrogateInvalid;
  const bool ours = result.Code() == rapidjson::kParseErrorTermination;
  const std::string_view reason = ours ? dom.complaint() : rapidjson::GetParseError_En(result.Code());
  return util::Error{
      util::code::parse_error, util::str(root, ": not valid JSON at byte ", result.Offset(), ": ", reason), {}};
}

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

util::Result<Document> Document::parse(std::string_view text, std::string name) {
  auto impl = std::make_unique<Impl>();
  if (const auto parsed = impl->parse(text, name); !parsed) return parsed.error();
  impl->name = std::move(name);
  return Document(std::move(impl));
}

util::Result<Document> Document::read(std::string_view text, std::string name) {
  auto impl = std::make_unique<Impl>();
  if (const auto strict = impl->parse(text, name); !strict || impl->dom.has_escaped_names()) {
    const bool of_a_string = impl->bad_string;
    impl = std::make_unique<Impl>();
    if (!strict && !of_a_string) impl->flaw = strict.error();
    if (const auto lenient = read_leniently(text, impl->dom); !lenient) {
      return util::Error{util::code::parse_error, util::str(name, ": cannot be read: ", lenient.error().message), {}};
    }
  }
  impl->name = std::move(name);
  return Document(std::move(impl));
}

const std::optional<util::Error>& Document::flaw() const { return impl_->flaw; }

Value Document::root() const {
  const Dom& root = impl_->dom;
  return Value(&root, impl_->name);
}

}  // namespace json
