#include "sim/filter.hpp"

#include <utility>

#include "json/writer.hpp"

namespace sim {
namespace {

/// The filter of an array's elements; arrays of another length than one filter nothing.
json::Value of_elements(const json::Value& wanted) {
  const auto elements = wanted.elements();
  return elements.size() == 1 ? elements[0] : wanted;
}

void write(json::Writer& writer, const json::Value& value, const json::Value& wanted) {
  if (wanted.is_object() && value.is_object()) {
    writer.object();
    for (const auto& [name, member] : value.members()) {
      const auto of_member = wanted.find(name);
      if (of_member) write(writer.key(name), member, *of_member);
    }
    writer.end();
  } else if (wanted.is_array() && value.is_array()) {
    writer.array();
    for (const auto& element : value.elements()) write(writer, element, of_elements(wanted));
    writer.end();
  } else {
    writer.raw(value.dump());
  }
}

}  // namespace

Filter::Filter(const json::Value& wanted) {
  auto document = json::Document::parse(wanted.dump(), "filter");
  if (document) wanted_ = std::make_shared<const json::Document>(std::move(*document));
}

bool Filter::wants(std::initializer_list<std::string_view> path) const {
  if (!wanted_) return true;
  json::Value wanted = wanted_->root();
  for (const auto name : path) {
    if (wanted.is_array()) wanted = of_elements(wanted);
    if (!wanted.is_object()) return true;
    const auto member = wanted.find(name);
    if (!member) return false;
    wanted = *member;
  }
  return true;
}

std::string Filter::apply(std::string result_json) const {
  if (!wanted_) return result_json;
  const auto result = json::Document::parse(result_json, "result");
  if (!result) return result_json;
  json::Writer writer;
  write(writer, result->root(), wanted_->root());
  return writer.take();
}

}  // namespace sim
