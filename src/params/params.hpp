#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.hpp"
#include "util/result.hpp"

namespace params {

/// "<path>: <what>, got <value>", code -32602. Where lightningd or its builtin refuse the same, `what` holds their
/// words: programs look for them.
[[nodiscard]] util::Error wrong(const json::Value& value, std::string_view what);

/// The text of a string, the digits of a number or the characters of a word: lightningd's parsers look at the text
/// only, so 3 and "3" are the same to it. Nothing for any other value.
[[nodiscard]] std::optional<std::string> token_text(const json::Value& value);

/// An integer as lightningd reads one: decimal or, after 0x, hex; white space and a + may come before. Nothing for 010:
/// lightningd would read that as octal, and whoever writes it hardly means 8.
[[nodiscard]] std::optional<std::uint64_t> to_integer(std::string_view text);

/// Whether it can stand in one line of a list: 1 to 100 characters, none of them a line break, a tab or another control
/// character, or one that changes the direction of writing. UTF-8.
[[nodiscard]] bool is_short_text(std::string_view text);

// Parsers of single parameters, for Params::optional and Params::required.
/// A non-empty string, or a word.
[[nodiscard]] util::Result<std::string> parse_string(const json::Value& value);
/// The same, or a number as its digits.
[[nodiscard]] util::Result<std::string> parse_token(const json::Value& value);
/// A short text, see is_short_text().
[[nodiscard]] util::Result<std::string> parse_short_text(const json::Value& value);
/// true or false, bare or as a string.
[[nodiscard]] util::Result<bool> parse_bool(const json::Value& value);
/// An integer, bare or as a string.
[[nodiscard]] util::Result<std::uint32_t> parse_u32(const json::Value& value);
/// The same, with the words that lightningd has where a parameter is one of 32 bits.
[[nodiscard]] util::Result<std::uint32_t> parse_unsigned(const json::Value& value);
[[nodiscard]] util::Result<std::uint16_t> parse_u16(const json::Value& value);

/// The parameters of a command or of one of its destinations. lightningd takes both as an object or
/// as an array in a fixed order (its param()); an array's nulls are parameters left out, and so are
/// an object's here. Remembers the first error: a parser reads straight through and asks for it at
/// the end. Lives for one parse; the document must outlive it.
class Params {
 public:
  template <class T>
  using Parser = util::Result<T> (*)(const json::Value&);

  /// `names` are all that may occur, in the order of the array.
  Params(const json::Value& value, std::span<const std::string_view> names);

  /// Nothing when left out. Its path is the value's and the name, whichever way it was given.
  [[nodiscard]] std::optional<json::Value> find(std::string_view name) const;

  /// Nothing when left out or wrong.
  template <class T>
  [[nodiscard]] std::optional<T> optional(std::string_view name, Parser<T> parse) {
    const auto value = find(name);
    if (!value) return std::nullopt;
    auto parsed = parse(*value);
    if (!parsed) {
      fail(parsed.error());
      return std::nullopt;
    }
    return std::move(*parsed);
  }

  /// T() when left out or wrong; both are errors.
  template <class T>
  [[nodiscard]] T required(std::string_view name, Parser<T> parse) {
    if (!find(name)) fail_missing(name);
    return optional(name, parse).value_or(T());
  }

  /// All that was given but these, as JSON text: the same whether they are given by name or by position, in whatever
  /// order.
  [[nodiscard]] std::string all_but(std::span<const std::string_view> names) const;

  /// For what a parser finds by looking at several parameters. Only the first error counts.
  void fail(util::Error error);

  [[nodiscard]] const std::optional<util::Error>& error() const { return error_; }

 private:
  void bind_array(const json::Value& value, std::span<const std::string_view> names);
  void bind_object(const json::Value& value, std::span<const std::string_view> names);
  void bind(std::string_view name, const json::Value& value);
  void fail_missing(std::string_view name);
  /// An error of the whole: after the path, if it has one.
  void fail_whole(const std::string& message);
  [[nodiscard]] std::string member_path(std::string_view name) const;

  std::string path_;
  std::vector<std::pair<std::string_view, json::Value>> given_;
  std::optional<util::Error> error_;
};

}  // namespace params
