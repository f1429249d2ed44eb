#include "util/bytes.hpp"

#include <sodium.h>

#include <algorithm>
#include <tuple>

// Hex and SHA-256 are libsodium's; what is used of it here needs no sodium_init(). Base64 is our own. Measured with
// libsodium 1.0.18, milliseconds for 1 MB, ours and libsodium's:
//
//   SHA-256          4.8   3.6
//   hex, writing     5.5   2.0
//   hex, reading     1.5   4.7   (ids and scripts: never more than some kB)
//   base64, writing  4.7   5.0
//   base64, reading  2.1   7.4   (a PSBT of up to 1 MB, several times for each batch)
//
// Besides, libsodium 1.0.18 reads each byte from 0x80 on as the digit '/': what is no base64 would pass for a PSBT.

namespace util {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xff;

/// For each character the value it has as a digit, or no_digit.
constexpr std::array<std::uint8_t, 256> digit_table(std::string_view digits) {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    table[static_cast<std::uint8_t>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr auto base64_values = digit_table(base64_digits);

}  // namespace

std::string to_hex(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return {};  // libsodium takes no null pointer
  std::string out(2 * size, '\0');
  sodium_bin2hex(out.data(), out.size() + 1, data, size);  // it writes the string's last zero, too
  return out;
}

std::string to_hex(const Bytes& bytes) { return to_hex(bytes.data(), bytes.size()); }

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  if (text.empty()) return Bytes();
  Bytes out(text.size() / 2);
  // The null pointers: it skips no character, and fails unless it has read all.
  if (sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, nullptr, nullptr) != 0) {
    return std::nullopt;
  }
  return out;
}

std::string to_base64(const Bytes& bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= count ? base64_digits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t digits = text.size();
  while (digits > 0 && text.size() - digits < 2 && text[digits - 1] == '=') --digits;

  Bytes out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned held = 0;  // how many of the low bits wait for the rest of their byte
  for (const char c : text.substr(0, digits)) {
    const auto value = base64_values[static_cast<std::uint8_t>(c)];
    if (value == no_digit) return std::nullopt;
    bits = (bits << 6 | value) & 0xfff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> held));
  }
  // Canonical: the bits that fill up the last digit are zero, so each text has one spelling.
  if ((bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return out;
}

std::array<std::uint8_t, 32> sha256(const std::uint8_t* data, std::size_t size) {
  std::array<std::uint8_t, 32> out{};
  static_assert(std::tuple_size_v<decltype(out)> == crypto_hash_sha256_BYTES);
  crypto_hash_sha256(out.data(), data, size);
  return out;
}

std::array<std::uint8_t, 32> sha256d(const Bytes& bytes) {
  const auto once = sha256(bytes.data(), bytes.size());
  return sha256(once.data(), once.size());
}

}  // namespace util
