#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace json {

/// Writes one compact JSON text, without blank lines and without "\/" (lightningd does not unescape
/// PSBT parameters). Usage: Writer w; w.object().field("id", id).key("psbt").value(text).end();
/// Strings that are not valid UTF-8 are written with U+FFFD in place of the bad bytes.
class Writer {
 public:
  Writer();
  ~Writer();
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;

  Writer& object();
  Writer& array();
  /// Ends the innermost object or array.
  Writer& end();
  Writer& key(std::string_view name);

  Writer& value(std::string_view text);
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(const std::string& text) { return value(std::string_view(text)); }
  Writer& value(std::same_as<bool> auto boolean) { return write_bool(boolean); }
  Writer& value(std::signed_integral auto number) { return write_int(number); }
  Writer& value(std::unsigned_integral auto number) requires(!std::same_as<decltype(number), bool>) {
    return write_uint(number);
  }
  /// A JSON text as it stands: a raw id, or a value from Value::dump().
  Writer& raw(std::string_view json);

  template <class T>
  Writer& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  /// A member that is an array; `of` makes a value of each item.
  template <class Items, class Of = std::identity>
  Writer& list(std::string_view name, const Items& items, Of of = {}) {
    key(name).array();
    for (const auto& item : items) value(std::invoke(of, item));
    return end();
  }
  Writer& raw_field(std::string_view name, std::string_view json) { return key(name).raw(json); }

  /// The finished text; the writer is empty afterwards.
  [[nodiscard]] std::string take();

 private:
  Writer& write_bool(bool boolean);
  Writer& write_int(std::int64_t number);
  Writer& write_uint(std::uint64_t number);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace json
