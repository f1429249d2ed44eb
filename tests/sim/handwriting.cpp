#include "sim/handwriting.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>

#include "json/value.hpp"
#include "json/writer.hpp"
#include "sim/params.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

constexpr std::size_t hex_digits_of_an_id = 66;

std::optional<std::string> as_text(const json::Value& destination, Random& random) {
  const auto id = destination.find("id");
  const auto amount = destination.find("amount");
  if (!id || !amount || destination.size() != 2) return std::nullopt;
  static constexpr std::string_view signs[] = {"=", "=", " =", "= ", " =\t"};
  return util::str(token_text(*id), signs[random.below(std::size(signs))], token_text(*amount));
}

std::string_view draw_break(Random& random) {
  static constexpr std::string_view breaks[] = {
      "\n", "\r\n", ",", " ", ", ", "\t", "\n\n", "\n# 02=1, 03 = all\r\n", " # \xC3\xA4\n", "#\n"};
  return breaks[random.below(std::size(breaks))];
}

std::string in_one_text(const std::vector<std::string>& texts, Random& random) {
  std::string whole = random.one_in(4) ? "\xEF\xBB\xBF" : "";
  if (random.one_in(2)) whole += draw_break(random);
  for (const auto& text : texts) whole += util::str(text, draw_break(random));
  return whole;
}

void write_names(json::Writer& out, const std::vector<std::string>& texts) {
  for (const auto& text : texts) {
    const auto sign = text.find('=');
    out.field(text.substr(0, sign), std::string_view(text).substr(sign + 1));
  }
}

void write_list(json::Writer& out, const std::vector<json::Value>& elements, Random& random) {
  out.key("destinations").array();
  for (const auto& element : elements) {
    const auto text = as_text(element, random);
    text&& random.one_in(2) ? out.value(*text) : out.raw(element.dump());
  }
  out.end();
}

}  // namespace

std::string handwritten(const std::string& params, Random& random) {
  const auto document = json::Document::parse(params, "params");
  const auto given = document ? document->root().find("destinations") : std::nullopt;
  if (!given) return params;
  const auto elements = given->elements();
  std::vector<std::string> texts;
  for (const auto& element : elements) {
    if (auto text = as_text(element, random)) texts.push_back(std::move(*text));
  }
  json::Writer out;
  out.object();
  if (texts.size() < elements.size() || random.one_in(3)) {
    write_list(out, elements, random);
  } else if (random.one_in(3)) {
    write_names(out, texts);
  } else {
    out.field("destinations", in_one_text(texts, random));
  }
  for (const auto& [name, value] : document->root().members()) {
    if (name != "destinations") out.raw_field(name, value.dump());
  }
  return out.end().take();
}

std::vector<std::string> handwritten_ids(std::string_view text) {
  std::vector<std::string> ids;
  std::string digits;
  bool comment = false;
  for (const char c : text) {
    comment = c != '\n' && c != '\r' && (comment || c == '#');
    if (!comment && std::isxdigit(static_cast<unsigned char>(c)) != 0) {
      digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (digits.size() == hex_digits_of_an_id) ids.push_back(digits);
    digits.clear();
  }
  return ids;
}

}  // namespace sim
