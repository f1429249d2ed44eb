#include "plugin/filter.hpp"

#include "util/str.hpp"

namespace plugin {
namespace {

util::Error bad(const json::Value& part, std::string_view what) {
  return {util::code::invalid_params, util::str("filter: ", what, ": invalid token '", part.excerpt(), "'"), {}};
}

bool is_container(const json::Value& value) { return value.is_object() || value.is_array(); }

/// In a string, too: lightningd's reader makes no difference.
bool is_true(const json::Value& value) {
  return value.is_bool() ? *value.boolean() : value.is_string() && *value.string() == "true";
}

}  // namespace

util::Result<Filter> Filter::parse(const json::Value& filter) {
  if (!filter.is_object()) return bad(filter, "Expected object");
  Filter parsed;
  if (const auto read = parsed.read(filter); !read) return read.error();
  return parsed;
}

util::Result<void> Filter::read(const json::Value& filter) {
  if (filter.is_array()) {
    if (filter.size() != 1) return bad(filter, "Arrays can only have one element");
    elements_ = std::make_unique<Filter>();
    return elements_->read(filter.elements().front());
  }
  for (const auto& [name, value] : filter.members()) {
    Filter member;
    if (!is_container(value) && !is_true(value)) return bad(value, "value must be true");
    if (const auto read = member.read(value); !read) return read;
    members_.emplace(name, std::move(member));  // of two with one name the first counts
  }
  return {};
}

std::string Filter::apply(std::string_view result_json) {
  const auto result = json::Document::parse(result_json, "result");
  if (!result || !result->root().is_object()) return std::string(result_json);
  json::Writer out;
  out.object();
  write_object(out, result->root());
  if (const auto where = misuse(); !where.empty()) out.field("warning_parameter_filter", where);
  return out.end().take();
}

/// Its members; the object is open.
void Filter::write_object(json::Writer& out, const json::Value& object) {
  for (const auto& [name, value] : object.members()) {
    const auto wanted = members_.find(std::string(name));
    if (!is_container(value)) {
      if (wanted != members_.end()) out.raw_field(name, value.dump());
    } else if (is_leaf()) {
      out.raw_field(name, value.dump());
    } else if (elements_) {
      misused_ = true;
    } else if (wanted != members_.end()) {
      wanted->second.write_container(out.key(name), value);
    }
  }
}

/// Its elements; the array is open.
void Filter::write_array(json::Writer& out, const json::Value& array) {
  for (const auto& element : array.elements()) {
    if (!is_container(element) || is_leaf()) {
      out.raw(element.dump());
    } else if (elements_) {
      elements_->write_container(out, element);
    } else {
      misused_ = true;
    }
  }
}

void Filter::write_container(json::Writer& out, const json::Value& container) {
  if (container.is_array()) {
    write_array(out.array(), container);
  } else {
    write_object(out.object(), container);
  }
  out.end();
}

std::string Filter::misuse() const {
  if (misused_) return elements_ ? " is an object" : " is an array";
  if (elements_) {
    const auto where = elements_->misuse();
    return where.empty() ? where : util::str("[]", where);
  }
  for (const auto& [name, member] : members_) {
    if (const auto where = member.misuse(); !where.empty()) return util::str('.', name, where);
  }
  return {};
}

}  // namespace plugin
