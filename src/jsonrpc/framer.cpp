#include "jsonrpc/framer.hpp"

#include <algorithm>
#include <utility>

#include "jsonrpc/message.hpp"
#include "util/str.hpp"

namespace jsonrpc {
namespace {

constexpr std::size_t npos = std::string_view::npos;
/// Of what is no message, enough to say what it was.
constexpr std::size_t garbage_kept = 4096;

/// Position of `c` at or after `at`, the size when there is none.
std::size_t find(std::string_view bytes, char c, std::size_t at) {
  const std::size_t found = bytes.find(c, at);  // memchr underneath
  return found == npos ? bytes.size() : found;
}

}  // namespace

util::Result<void> Framer::feed(std::string_view bytes, util::Function<bool(std::string_view)> found) {
  if (broken_) return util::Error{util::code::parse_error, "the stream of messages broke before", {}};
  std::size_t begin = 0;
  while (begin < bytes.size()) {
    if (depth_ == 0 && !in_garbage_) {
      begin = bytes.find_first_not_of(" \t\r\n", begin);
      if (begin == npos) return {};
      in_garbage_ = bytes[begin] != '{';
    }

    const std::size_t end = in_garbage_ ? end_of_garbage(bytes, begin) : scan(bytes, begin);
    auto part = bytes.substr(begin, end == npos ? npos : end - begin);
    if (in_garbage_) part = part.substr(0, garbage_kept - std::min(garbage_kept, partial_.size()));
    if (part.size() > limit_ - partial_.size()) {
      return broken(
          util::str("message of more than ", limit_, " bytes: ", excerpt(partial_.empty() ? part : partial_)));
    }
    if (end == npos) {
      partial_ += part;
      return {};
    }

    // The text is no member any more when `found` gets it, so that `found` may destroy the framer.
    in_garbage_ = false;
    std::string joined = std::exchange(partial_, {});
    if (!joined.empty()) joined += part;
    if (!found(joined.empty() ? part : std::string_view(joined))) return {};
    begin = end;
  }
  return {};
}

/// One past the blank line that ends what is no message, or npos when it does not end in these bytes.
std::size_t Framer::end_of_garbage(std::string_view bytes, std::size_t at) {
  for (; at < bytes.size(); ++at) {
    const bool line_ends = bytes[at] == '\n';
    if (std::exchange(after_newline_, line_ends) && line_ends) {
      after_newline_ = false;
      return at + 1;
    }
  }
  return npos;
}

/// Goes on in the current object: one past its end, or npos when it does not end in these bytes.
/// Braces decide alone; whether brackets match them is the parser's business.
std::size_t Framer::scan(std::string_view bytes, std::size_t at) {
  while (at < bytes.size()) {
    if (in_string_) {
      at = scan_string(bytes, at);
      continue;
    }
    if (in_word_) {
      at = std::min(bytes.find_first_of("\t\r\n ,]}", at), bytes.size());
      if (at == bytes.size()) break;
      in_word_ = false;
    }
    switch (bytes[at++]) {
      case '"':
        in_string_ = true;
        break;
      case '{':
        ++depth_;
        break;
      case '}':
        if (--depth_ == 0) return at;
        break;
      case '[':
      case ']':
      case ':':
      case ',':
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        break;
      default:
        in_word_ = true;
    }
  }
  return npos;
}

/// Goes on in the current string: one past its closing quote, or the size when it does not end in
/// these bytes.
std::size_t Framer::scan_string(std::string_view bytes, std::size_t at) {
  if (std::exchange(escaped_, false)) ++at;
  // Searched again only when passed: a search per backslash would be quadratic in strings full of them.
  std::size_t quote = find(bytes, '"', at);
  while (true) {
    const std::size_t backslash = find(bytes.substr(0, quote), '\\', at);
    if (backslash == quote) break;
    at = backslash + 2;
    if (at > bytes.size()) {
      escaped_ = true;
      return bytes.size();
    }
    if (at > quote) quote = find(bytes, '"', at);
  }
  if (quote == bytes.size()) return quote;
  in_string_ = false;
  return quote + 1;
}

util::Error Framer::broken(std::string message) {
  broken_ = true;
  partial_ = {};
  return util::Error{util::code::parse_error, std::move(message), {}};
}

}  // namespace jsonrpc
