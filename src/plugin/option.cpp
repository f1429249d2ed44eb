#include "plugin/option.hpp"

#include <charconv>
#include <cstdint>
#include <string>

#include "util/str.hpp"

namespace plugin {
namespace {

util::Error wrong(const Option& option, std::string_view what, std::string_view given) {
  return util::Error{util::code::invalid_params, util::str(option.name, ": should be ", what, ", not ", given), {}};
}

bool is_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

/// The JSON text of what a string from setconfig means.
util::Result<std::string> meaning(const Option& option, const json::Value& given) {
  const std::string_view text = *given.string();
  if (option.type == OptionType::string) return given.dump();
  if (option.type == OptionType::integer) {
    if (is_integer(text)) return std::string(text);
    return wrong(option, "an integer", given.excerpt());
  }
  // The spellings that lightningd takes for a boolean.
  if (text == "true" || text == "yes" || text == "1") return std::string("true");
  if (text == "false" || text == "no" || text == "0") return std::string("false");
  return wrong(option, "true or false", given.excerpt());
}

util::Result<std::string> json_text(const Option& option, const std::optional<json::Value>& given) {
  if (given && given->is_string()) return meaning(option, *given);
  if (given) return given->dump();
  if (option.type == OptionType::boolean) return std::string("true");
  return wrong(option, "given a value", "nothing");
}

util::Result<void> has_type(const Option& option, const json::Value& value) {
  if (option.type == OptionType::string)
    return value.is_string() ? util::Result<void>() : wrong(option, "a string", value.excerpt());
  if (option.type == OptionType::integer)
    return value.i64().ok() ? util::Result<void>() : wrong(option, "an integer", value.excerpt());
  return value.is_bool() ? util::Result<void>() : wrong(option, "true or false", value.excerpt());
}

}  // namespace

const char* name_of(OptionType type) {
  switch (type) {
    case OptionType::string:
      return "string";
    case OptionType::integer:
      return "int";
    case OptionType::boolean:
      break;
  }
  return "bool";
}

util::Result<json::Document> option_value(const Option& option, const std::optional<json::Value>& given) {
  const auto text = json_text(option, given);
  if (!text) return text.error();
  auto document = json::Document::parse(*text, option.name);
  if (!document) return document.error();
  if (const auto typed = has_type(option, document->root()); !typed) return typed.error();
  if (!option.check) return document;
  if (const auto passed = option.check(document->root()); !passed) return passed.error();
  return document;
}

}  // namespace plugin
