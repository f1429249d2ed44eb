#include "jsonrpc/framer.hpp"

#include <utility>

#include "util/str.hpp"

namespace jsonrpc {
namespace {

constexpr int parse_error = -32700;
constexpr std::size_t npos = std::string_view::npos;

/// Position of `c` at or after `at`, the size when there is none.
std::size_t find(std::string_view bytes, char c, std::size_t at) {
  const std::size_t found = bytes.find(c, at);  // memchr underneath
  return found == npos ? bytes.size() : found;
}

std::string excerpt(std::string_view bytes) {
  constexpr std::size_t limit = 40;
  std::string out;
  for (const char c : bytes.substr(0, limit)) out += c >= ' ' && c <= '~' ? c : '.';
  return bytes.size() > limit ? out + "..." : out;
}

}  // namespace

util::Result<void> Framer::feed(std::string_view bytes, util::Function<bool(std::string_view)> found) {
  if (broken_) return util::Error{parse_error, "the stream of messages broke before", {}};
  std::size_t begin = 0;
  while (begin < bytes.size()) {
    if (depth_ == 0) {
      begin = bytes.find_first_not_of(" \t\r\n", begin);
      if (begin == npos) return {};
      if (bytes[begin] != '{') return broken(util::str("expected a JSON object, got: ", excerpt(bytes.substr(begin))));
    }

    const std::size_t end = scan(bytes, begin);
    const auto part = bytes.substr(begin, end == npos ? npos : end - begin);
    if (part.size() > limit_ - partial_.size()) {
      return broken(
          util::str("message of more than ", limit_, " bytes: ", excerpt(partial_.empty() ? part : partial_)));
    }
    if (end == npos) {
      partial_ += part;
      return {};
    }

    // The text is no member any more when `found` gets it, so that `found` may destroy the framer.
    std::string joined = std::exchange(partial_, {});
    if (!joined.empty()) joined += part;
    if (!found(joined.empty() ? part : std::string_view(joined))) return {};
    begin = end;
  }
  return {};
}

/// Goes on in the current object: one past its end, or npos when it does not end in these bytes.
/// Braces decide alone; whether brackets match them is the parser's business.
std::size_t Framer::scan(std::string_view bytes, std::size_t at) {
  while (at < bytes.size()) {
    if (in_string_) {
      at = scan_string(bytes, at);
      continue;
    }
    const char c = bytes[at++];
    if (c == '"') {
      in_string_ = true;
    } else if (c == '{') {
      ++depth_;
    } else if (c == '}' && --depth_ == 0) {
      return at;
    }
  }
  return npos;
}

/// Goes on in the current string: one past its closing quote, or the size when it does not end in
/// these bytes.
std::size_t Framer::scan_string(std::string_view bytes, std::size_t at) {
  if (std::exchange(escaped_, false)) ++at;
  // Searched anew only when passed: a search per backslash would be quadratic in strings full of them.
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
  return util::Error{parse_error, std::move(message), {}};
}

}  // namespace jsonrpc
