#include "json/optional_fields.hpp"

namespace json {

using util::Result;

Result<std::uint32_t> read_u32(const Value& object, std::string_view name) {
  const auto value = object.field(name);
  return value ? value->u32() : value.error();
}

Result<void> read_number(const Value& object, std::string_view name, std::uint32_t& number) {
  if (!object.find(name)) return {};
  const auto value = read_u32(object, name);
  if (!value) return value.error();
  number = *value;
  return {};
}

Result<void> read_flag(const Value& object, std::string_view name, bool& flag) {
  if (!object.find(name)) return {};
  const auto value = object.boolean(name);
  if (!value) return value.error();
  flag = *value;
  return {};
}

}  // namespace json
