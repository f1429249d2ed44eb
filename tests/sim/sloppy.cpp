#include "sim/sloppy.hpp"

#include <algorithm>
#include <cstddef>

#include "jsonrpc/framer.hpp"

namespace sim {
namespace {

std::string_view draw_space(Random& random) {
  static constexpr std::string_view spaces[] = {",", " ", "\n\n", "\t", " , ", ",,"};
  return spaces[random.below(std::size(spaces))];
}

/// One past the string that begins at `at`.
std::size_t after_string(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return std::min(at + 1, json.size());
}

/// Whether the text in quotes can stand without them and is no literal and no null ("n..." is null by position).
bool needs_no_quotes(std::string_view text) {
  return text.size() == 66 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_one_object(std::string_view text) {
  jsonrpc::Framer framer;
  std::size_t found = 0;
  bool whole = false;
  const auto fed = framer.feed(text, [&found, &whole, text](std::string_view object) {
    ++found;
    whole = object.size() == text.size();
    return true;
  });
  return fed.ok() && found == 1 && whole && text.starts_with('{');
}

constexpr std::string_view tokens[] = {"{",     "}",    "[",    "]",     ",",       ":",        "\"",
                                       "\\",    "null", "nope", "1e400", "0100",    "-",        "{}",
                                       "[[[[[", "\n",   "\x01", "\xff",  "\\ud800", "\"id\":1,"};

void damage(std::string& text, Random& random) {
  const auto at = random.below(text.size());
  const auto length = 1 + random.below(random.one_in(4) ? 60 : 4);
  switch (random.below(6)) {
    case 0:
      text[at] = static_cast<char>(random.next());
      return;
    case 1:
      text.erase(at, length);
      return;
    case 2:
      text.insert(at, tokens[random.below(std::size(tokens))]);
      return;
    case 3:
      text.insert(random.below(text.size()), text.substr(at, length));
      return;
    case 4:
      std::swap(text[at], text[random.below(text.size())]);
      return;
    default:  // all that stands between two braces
      const auto end = text.find('}', at);
      const auto begin = text.rfind('{', at);
      if (begin != std::string::npos && end != std::string::npos && begin > 0) text.erase(begin + 1, end - begin - 1);
  }
}

}  // namespace

std::string sloppy(std::string_view json, Random& random) {
  std::string out;
  bool in_amount = false;  // the colon behind the name is all that has come
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c == '"') {
      const auto end = after_string(json, at);
      const auto text = json.substr(at + 1, end - at - 2);
      out += needs_no_quotes(text) && random.one_in(2) ? text : json.substr(at, end - at);
      if (text == "amount") in_amount = true;
      at = end;
      continue;
    }
    const bool digit = c >= '0' && c <= '9';
    if (in_amount && digit) {
      const auto end = std::min(json.find_first_not_of("0123456789", at), json.size());
      if (random.one_in(2)) out += "0";
      out += json.substr(at, end - at);
      if (random.one_in(2)) out += "sat";
      at = end;
      in_amount = false;
      continue;
    }
    in_amount = in_amount && c == ':';
    const bool closes = c == '}' || c == ']';
    if (closes && random.one_in(2)) out += draw_space(random);
    out += c;
    if ((c == ',' || c == '{' || c == '[') && random.one_in(4)) out += draw_space(random);
    ++at;
  }
  return out;
}

std::string damaged(std::string_view message, Random& random) {
  constexpr int tries = 20;
  for (int i = 0; i < tries; ++i) {
    std::string text(message);
    for (auto count = 1 + random.below(3); count > 0 && text.size() > 2; --count) damage(text, random);
    if (text != message && is_one_object(text)) return text;
  }
  return std::string(message);
}

}  // namespace sim
