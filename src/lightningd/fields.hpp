#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "json/value.hpp"
#include "lightningd/codes.hpp"
#include "util/bytes.hpp"
#include "util/result.hpp"

namespace lightningd {

/// Reads the members of one JSON object of lightningd and remembers the first that was wrong: a
/// parser reads straight through and asks once, with finish(). After an error every further read
/// gives an empty value. Lives for one parse; the document must outlive it.
class Fields {
 public:
  explicit Fields(const json::Value& object);

  [[nodiscard]] bool has(std::string_view name) const { return object_.find(name).has_value(); }

  [[nodiscard]] std::string text(std::string_view name);
  [[nodiscard]] bool boolean(std::string_view name);
  [[nodiscard]] std::uint32_t u32(std::string_view name);
  [[nodiscard]] std::uint64_t u64(std::string_view name);
  [[nodiscard]] util::Bytes bytes(std::string_view name);
  /// An integer, or "<n>msat" as older lightningds write it.
  [[nodiscard]] bitcoin::Msat msat(std::string_view name);
  /// The same, which must be a whole number of satoshi.
  [[nodiscard]] bitcoin::Sat sat(std::string_view name);
  /// Txid, ChannelId, NodeId or Features, in hex.
  template <class Id>
  [[nodiscard]] Id id(std::string_view name) {
    const auto parsed = Id::from_hex(text(name));
    if (!parsed) wrong(name, "an id in hex");
    return parsed.value_or(Id());
  }

  /// The value, or the first error.
  template <class T>
  [[nodiscard]] util::Result<T> finish(T value) {
    if (error_) return std::move(*error_);
    return value;
  }

 private:
  template <class T>
  [[nodiscard]] T value(util::Result<T> read);
  void wrong(std::string_view name, std::string_view expected);

  json::Value object_;
  std::optional<util::Error> error_;
};

/// The elements of the array `name` of `result`, each read by `parse`.
template <class T>
util::Result<std::vector<T>> list(const json::Value& result, std::string_view name,
                                  util::Result<T> (*parse)(const json::Value&)) {
  const auto array = result.field(name);
  if (!array.ok()) return array.error();
  if (!array->is_array()) return util::Error{code::generic, array->path() + ": expected an array", {}};
  std::vector<T> all;
  for (const auto& element : array->elements()) {
    auto one = parse(element);
    if (!one.ok()) return std::move(one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

}  // namespace lightningd
