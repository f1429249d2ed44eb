#include "jsonrpc/safe_error.hpp"

#include "json/value.hpp"
#include "json/writer.hpp"
#include "jsonrpc/words_in_hex.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"

namespace jsonrpc {
namespace {

constexpr std::size_t longest_data = 8000;

/// The recursion ends where the reader's limit on nesting does.
void write_safe(json::Writer& out, const json::Value& value) {
  if (value.is_object()) {
    out.object();
    for (const auto& [name, member] : value.members()) write_safe(out.key(util::safe_text(name)), member);
    out.end();
  } else if (value.is_array()) {
    out.array();
    for (const auto& element : value.elements()) write_safe(out, element);
    out.end();
  } else if (value.is_string()) {
    out.value(util::safe_text(*value.string()));
  } else {
    const auto text = value.dump();
    const auto safe = util::safe_text(text);
    text == safe ? out.raw(text) : out.value(safe);  // a number may have any length
  }
}

std::string safe_data(const std::string& data) {
  const auto document = json::Document::parse(data, "data");
  if (!document) return {};
  json::Writer out;
  write_safe(out, document->root());
  auto text = out.take();
  if (text.size() <= longest_data) return text;
  return out.value(util::str("(", text.size(), " bytes cut)")).take();
}

}  // namespace

util::Error safe_error(util::Error error) {
  error.message = util::safe_text(with_words(error.message));
  if (!error.data.empty()) error.data = safe_data(error.data);
  return error;
}

}  // namespace jsonrpc
