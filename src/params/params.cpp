#include "params/params.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

#include "json/utf8.hpp"
#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"

namespace params {

namespace {

template <class Number>
util::Result<Number> parse_number(const json::Value& value, std::string_view what) {
  const auto number = to_integer(token_text(value).value_or(""));
  if (!number || *number > std::numeric_limits<Number>::max())
    return wrong(value, util::str(what, " from 0 to ", std::numeric_limits<Number>::max()));
  return static_cast<Number>(*number);
}

/// lightningd takes any word that begins with an n for null where parameters are given by position.
bool is_left_out(const json::Value& element) {
  return element.is_null() || (element.is_word() && token_text(element)->starts_with('n'));
}

}  // namespace

util::Error wrong(const json::Value& value, std::string_view what) {
  return {.code = lightningd::code::invalid_params,
          .message = util::str(value.path(), ": ", what, ", got ", value.excerpt())};
}

std::optional<std::string> token_text(const json::Value& value) {
  if (value.is_number() || value.is_word()) return value.as_typed();
  if (const auto text = value.string()) return std::string(*text);
  return std::nullopt;
}

util::Result<std::string> parse_string(const json::Value& value) {
  auto text = value.is_number() ? std::nullopt : token_text(value);
  if (!text || text->empty()) return wrong(value, "must be a non-empty string");
  return std::move(*text);
}

std::optional<std::uint64_t> to_integer(std::string_view text) {
  constexpr std::string_view spaces = " \t\n\v\f\r";
  text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
  if (text.starts_with('+')) text.remove_prefix(1);
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  const bool octal = !hex && text.size() > 1 && text.front() == '0';
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
  if (error != std::errc{} || end != text.data() + text.size() || octal) return std::nullopt;
  return number;
}

bool is_short_text(std::string_view text) {
  constexpr std::size_t most_characters = 100;
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (util::control_at(text, at) > 0 || text[at] == '\t' || text[at] == '\n') return false;
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) ++characters;
  }
  return characters > 0 && characters <= most_characters && json::is_utf8(text);
}

util::Result<std::string> parse_short_text(const json::Value& value) {
  auto text = token_text(value);
  if (text && is_short_text(*text)) return std::move(*text);
  return wrong(value, "must be a text of 1 to 100 characters, without line breaks and control characters");
}

util::Result<std::string> parse_token(const json::Value& value) {
  auto text = token_text(value);
  if (!text || text->empty()) return wrong(value, "must be a non-empty string or a number");
  return std::move(*text);
}

util::Result<bool> parse_bool(const json::Value& value) {
  if (const auto plain = value.boolean()) return *plain;
  const auto text = value.string();
  if (!text || (*text != "true" && *text != "false")) return wrong(value, "should be 'true' or 'false'");
  return *text == "true";
}

util::Result<std::uint32_t> parse_u32(const json::Value& value) {
  return parse_number<std::uint32_t>(value, "should be an integer");
}

util::Result<std::uint32_t> parse_unsigned(const json::Value& value) {
  return parse_number<std::uint32_t>(value, "should be an unsigned 32 bit integer,");
}

util::Result<std::uint16_t> parse_u16(const json::Value& value) {
  return parse_number<std::uint16_t>(value, "must be a 16-bit integer,");
}

Params::Params(const json::Value& value, std::span<const std::string_view> names) : path_(value.path()) {
  if (value.is_array())
    bind_array(value, names);
  else if (value.is_object())
    bind_object(value, names);
  else
    fail_whole(util::str("must be an object or an array of parameters, got ", value.excerpt()));
}

void Params::bind_array(const json::Value& value, std::span<const std::string_view> names) {
  const auto elements = value.elements();
  if (elements.size() > names.size())
    fail_whole(util::str("too many parameters: got ", elements.size(), ", expected ", names.size()));
  for (std::size_t i = 0; i < std::min(elements.size(), names.size()); ++i) {
    if (!is_left_out(elements[i])) bind(names[i], elements[i]);
  }
}

void Params::bind_object(const json::Value& value, std::span<const std::string_view> names) {
  std::vector<std::string_view> seen;
  for (const auto& [name, member] : value.members()) {
    const bool known = std::find(names.begin(), names.end(), name) != names.end();
    const bool again = std::find(seen.begin(), seen.end(), name) != seen.end();
    if (!known) return fail_whole(util::str("unknown parameter: ", name.substr(0, 80)));
    if (again) return fail_whole(util::str("duplicate json names: ", name));
    seen.push_back(name);
    bind(name, member);
  }
}

void Params::bind(std::string_view name, const json::Value& value) {
  if (!value.is_null()) given_.emplace_back(name, value.renamed(member_path(name)));
}

std::optional<json::Value> Params::find(std::string_view name) const {
  const auto same_name = [name](const auto& given) { return given.first == name; };
  const auto found = std::find_if(given_.begin(), given_.end(), same_name);
  if (found == given_.end()) return std::nullopt;
  return found->second;
}

std::string Params::all_but(std::span<const std::string_view> names) const {
  std::map<std::string_view, std::string> texts;
  for (const auto& [name, value] : given_) {
    if (std::find(names.begin(), names.end(), name) == names.end()) texts.emplace(name, value.as_typed());
  }
  json::Writer out;
  out.object();
  for (const auto& [name, text] : texts) out.field(name, text);
  return out.end().take();
}

void Params::fail(util::Error error) {
  if (!error_) error_ = std::move(error);
}

void Params::fail_missing(std::string_view name) { fail_whole(util::str("missing required parameter: ", name)); }

void Params::fail_whole(const std::string& message) {
  fail({.code = lightningd::code::invalid_params, .message = path_.empty() ? message : path_ + ": " + message});
}

std::string Params::member_path(std::string_view name) const {
  return path_.empty() ? std::string(name) : util::str(path_, '.', name);
}

}  // namespace params
