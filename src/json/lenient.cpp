#include "json/lenient.hpp"

#include <string>
#include <vector>

#include "json/loose_tokens.hpp"
#include "json/utf8.hpp"

namespace json {
namespace {

rapidjson::SizeType size_of(std::string_view text) { return static_cast<rapidjson::SizeType>(text.size()); }

/// Whether the text is one number of JSON's grammar.
bool is_number(std::string_view text) {
  const auto digits = [&text] {
    std::size_t count = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++count) text.remove_prefix(1);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

/// What the escapes of a string say; nothing where one of them is half of a surrogate pair.
std::string unescaped(std::string_view text) {
  // A strict reader does it; control characters are all that it would refuse in a string of good escapes.
  std::string quoted = "\"";
  for (const char c : text) {
    constexpr std::string_view hex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      quoted.append("\\u00").append(1, hex[byte >> 4]).append(1, hex[byte & 0xf]);
    } else {
      quoted += c;
    }
  }
  Builder builder;
  const auto read = builder.read(quoted += '"');
  return read.IsError() ? std::string(text) : std::string(builder.GetString(), builder.GetStringLength());
}

/// Walks the tokens, which stand in the order of the text, and makes the events of each.
class Walker {
 public:
  Walker(std::string_view text, const std::vector<LooseToken>& tokens, Builder& builder)
      : text_(text), tokens_(tokens), builder_(builder) {}

  [[nodiscard]] bool run() {
    for (const auto& token : tokens_) {
      end_before(token);
      if (!value(token)) return false;
    }
    while (!open_.empty()) end_innermost();
    return true;
  }

 private:
  [[nodiscard]] bool value(const LooseToken& token) {
    switch (token.kind) {
      case LooseToken::Kind::object:
        open_.push_back(&token);
        return builder_.StartObject();
      case LooseToken::Kind::array:
        open_.push_back(&token);
        return builder_.StartArray();
      case LooseToken::Kind::string:
        return string(token);
      case LooseToken::Kind::primitive:
        break;
    }
    return primitive(text_.substr(token.begin, token.end - token.begin));
  }

  [[nodiscard]] bool string(const LooseToken& token) {
    const bool name = token.size > 0;
    const auto repaired = repaired_utf8(text_.substr(token.begin, token.end - token.begin));
    const auto text = name ? repaired : unescaped(repaired);
    return name ? builder_.Key(text.data(), size_of(text), true) : builder_.String(text.data(), size_of(text), true);
  }

  [[nodiscard]] bool primitive(std::string_view text) {
    if (text == "true" || text == "false") return builder_.Bool(text == "true");
    if (text == "null") return builder_.Null();
    if (is_number(text)) return builder_.RawNumber(text.data(), size_of(text), true);
    return builder_.word(text);
  }

  /// Ends what the token is no part of. What it is a part of is told by its depth: the tokens stand in the order of a
  /// walk through the tree.
  void end_before(const LooseToken& token) {
    while (open_.size() > token.depth) end_innermost();
  }

  void end_innermost() {
    const auto& token = *open_.back();
    open_.pop_back();
    const auto size = static_cast<rapidjson::SizeType>(token.size);
    static_cast<void>(token.kind == LooseToken::Kind::object ? builder_.EndObject(size) : builder_.EndArray(size));
  }

  std::string_view text_;
  const std::vector<LooseToken>& tokens_;
  Builder& builder_;
  std::vector<const LooseToken*> open_;
};

}  // namespace

util::Result<void> read_leniently(std::string_view text, Builder& builder) {
  const auto tokens = loose_tokens(text);
  if (!tokens) return tokens.error();
  Walker walker(text, *tokens, builder);
  if (builder.build([&walker] { return walker.run(); })) return {};
  return util::Error{util::code::parse_error, builder.complaint(), {}};
}

}  // namespace json
