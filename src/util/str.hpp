#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace util {

inline void append(std::string& out, std::string_view text) { out += text; }
inline void append(std::string& out, char c) { out += c; }

template <std::integral Number>
void append(std::string& out, Number number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// The texts and integers, one after the other.
template <class... Parts>
[[nodiscard]] std::string str(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

}  // namespace util
