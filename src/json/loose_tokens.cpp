#include "json/loose_tokens.hpp"

#include <algorithm>

#include "json/builder.hpp"
#include "util/str.hpp"

namespace json {
namespace {

constexpr int loose_error = -32700;
constexpr std::size_t none = LooseToken::none;
using Kind = LooseToken::Kind;

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// Makes the tokens of one text; an error is what some step returns.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  [[nodiscard]] util::Result<void> run();
  [[nodiscard]] std::vector<LooseToken> take() { return std::move(tokens_); }

 private:
  using Step = util::Result<void>;

  [[nodiscard]] Step next();
  [[nodiscard]] Step open(Kind kind);
  [[nodiscard]] Step close(Kind kind);
  [[nodiscard]] Step string();
  [[nodiscard]] Step escape();
  [[nodiscard]] Step primitive();
  [[nodiscard]] Step add(Kind kind, std::size_t begin, std::size_t end);
  [[nodiscard]] Step check_names() const;
  void comma();

  [[nodiscard]] static util::Error wrong(std::size_t at, std::string_view what) {
    return {loose_error, util::str("at byte ", at, ": ", what), {}};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<LooseToken> tokens_;
  std::size_t parent_ = none;  // of the next token
};

util::Result<void> Cutter::run() {
  while (at_ < text_.size()) {
    if (auto step = next(); !step) return step;
  }
  if (tokens_.empty()) return wrong(at_, "there is nothing");
  if (tokens_.front().end == none) return wrong(at_, "the text ends before its value does");
  return check_names();
}

util::Result<void> Cutter::next() {
  const bool ended = !tokens_.empty() && tokens_.front().end != none;
  if (ended && std::string_view(" \t\r\n").find(text_[at_]) == std::string_view::npos)
    return wrong(at_, "something behind the end");
  switch (text_[at_]) {
    case '{':
      return open(Kind::object);
    case '[':
      return open(Kind::array);
    case '}':
      return close(Kind::object);
    case ']':
      return close(Kind::array);
    case '"':
      return string();
    case ':':
      parent_ = tokens_.empty() ? none : tokens_.size() - 1;
      break;
    case ',':
      comma();
      break;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
      break;
    default:
      return primitive();
  }
  ++at_;
  return {};
}

/// Ends the value of a name. An empty object or array that a colon has made the parent stays it, as with lightningd.
void Cutter::comma() {
  if (parent_ != none && !tokens_[parent_].is_container()) parent_ = tokens_[parent_].parent;
}

util::Result<void> Cutter::open(Kind kind) {
  if (auto added = add(kind, at_, none); !added) return added;
  if (tokens_.back().depth >= max_depth) return wrong(at_, "nesting deeper than 100 levels");
  parent_ = tokens_.size() - 1;
  ++at_;
  return {};
}

util::Result<void> Cutter::close(Kind kind) {
  auto index = tokens_.empty() ? none : tokens_.size() - 1;
  while (index != none && tokens_[index].end != none) index = tokens_[index].parent;
  if (index == none) return wrong(at_, "a bracket is closed that was not opened");
  auto& token = tokens_[index];
  if (token.kind != kind) return wrong(at_, kind == Kind::object ? "} where ] is due" : "] where } is due");
  token.end = ++at_;
  parent_ = token.parent;
  return {};
}

util::Result<void> Cutter::string() {
  const std::size_t begin = ++at_;
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] == '\0') return wrong(at_, "a zero byte");
    if (text_[at_] == '\\') {
      if (auto step = escape(); !step) return step;
    } else {
      ++at_;
    }
  }
  if (at_ == text_.size()) return wrong(begin - 1, "a string without an end");
  return add(Kind::string, begin, at_++);
}

util::Result<void> Cutter::escape() {
  const std::size_t begin = at_++;
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  if (std::string_view("\"/\\bfrnt").find(c) != std::string_view::npos && c != '\0') return {};
  const auto digits = text_.substr(at_, 4);
  if (c != 'u' || digits.size() < 4 || !std::all_of(digits.begin(), digits.end(), is_hex))
    return wrong(begin, "an escape that JSON does not have");
  at_ += 4;
  return {};
}

util::Result<void> Cutter::primitive() {
  const std::size_t begin = at_;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (std::string_view("\t\r\n ,]}").find(c) != std::string_view::npos) break;
    if (c < 0x20 || c >= 0x7f) return wrong(at_, "a character that only a string may hold");
  }
  return add(Kind::primitive, begin, at_);
}

util::Result<void> Cutter::add(Kind kind, std::size_t begin, std::size_t end) {
  LooseToken token{kind, begin, end, 0, parent_, 0};
  if (parent_ != none) {
    auto& parent = tokens_[parent_];
    if (parent.kind == Kind::primitive) return wrong(begin, "a value that belongs to a value");
    if (parent.kind == Kind::string && parent.size > 0) return wrong(begin, "a second value for one name");
    ++parent.size;
    token.depth = parent.depth + (parent.is_container() ? 1 : 0);
  }
  tokens_.push_back(token);
  return {};
}

/// In an object each token is a string that has a value, elsewhere no string has one.
util::Result<void> Cutter::check_names() const {
  for (const auto& token : tokens_) {
    const bool member = token.parent != none && tokens_[token.parent].kind == Kind::object;
    if (member && (token.kind != Kind::string || token.size == 0))
      return wrong(token.begin, token.kind == Kind::string ? "a name without a value" : "a value without a name");
    if (!member && token.kind == Kind::string && token.size > 0) return wrong(token.begin, "a name where none may be");
  }
  return {};
}

}  // namespace

util::Result<std::vector<LooseToken>> loose_tokens(std::string_view text) {
  Cutter cutter(text);
  if (const auto cut = cutter.run(); !cut) return cut.error();
  return cutter.take();
}

}  // namespace json
