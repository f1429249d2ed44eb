#include "util/bytes.hpp"

#include <algorithm>
#include <bit>

namespace util {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xff;

/// For each character the value it has as a digit, or no_digit.
using DigitTable = std::array<std::uint8_t, 256>;

constexpr DigitTable digit_table(std::string_view digits) {
  DigitTable table{};
  table.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    table[static_cast<std::uint8_t>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr DigitTable hex_table() {
  auto table = digit_table(hex_digits);
  for (unsigned i = 0; i < 6; ++i) table['A' + i] = static_cast<std::uint8_t>(10 + i);
  return table;
}

constexpr DigitTable hex_values = hex_table();
constexpr DigitTable base64_values = digit_table(base64_digits);

std::uint8_t digit(const DigitTable& table, char c) { return table[static_cast<std::uint8_t>(c)]; }

// SHA-256; the names are those of FIPS 180-4, sections 4.1.2, 4.2.2 and 6.2.

using HashState = std::array<std::uint32_t, 8>;
constexpr std::size_t block_size = 64;

constexpr HashState initial_hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// The message schedule W of one block.
std::array<std::uint32_t, 64> schedule(const std::uint8_t* block) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t t = 0; t < 16; ++t) {
    for (std::size_t i = 0; i < 4; ++i) w[t] = w[t] << 8 | block[4 * t + i];
  }
  for (std::size_t t = 16; t < 64; ++t) {
    const auto sigma0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
    const auto sigma1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
  }
  return w;
}

void hash_block(HashState& hash, const std::uint8_t* block) {
  const auto w = schedule(block);
  auto [a, b, c, d, e, f, g, h] = hash;
  for (std::size_t t = 0; t < 64; ++t) {
    const auto sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const auto choice = (e & f) ^ (~e & g);
    const auto t1 = h + sum1 + choice + round_constants[t] + w[t];
    const auto sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const auto majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + sum0 + majority;
  }
  const HashState worked = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < hash.size(); ++i) hash[i] += worked[i];
}

/// The last one or two blocks: the rest of the message, a one bit, zeros, the length in bits.
Bytes padded_tail(const std::uint8_t* rest, std::size_t rest_size, std::uint64_t total_size) {
  Bytes tail(rest, rest + rest_size);
  tail.push_back(0x80);
  const std::size_t blocks = tail.size() + 8 <= block_size ? 1 : 2;
  tail.resize(blocks * block_size);
  const std::uint64_t bits = total_size * 8;
  for (std::size_t i = 0; i < 8; ++i) tail[tail.size() - 1 - i] = static_cast<std::uint8_t>(bits >> 8 * i);
  return tail;
}

}  // namespace

std::string to_hex(const std::uint8_t* data, std::size_t size) {
  std::string out;
  out.reserve(2 * size);
  for (std::size_t i = 0; i < size; ++i) {
    out += hex_digits[data[i] >> 4];
    out += hex_digits[data[i] & 15];
  }
  return out;
}

std::string to_hex(const Bytes& bytes) { return to_hex(bytes.data(), bytes.size()); }

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = digit(hex_values, text[i]);
    const auto low = digit(hex_values, text[i + 1]);
    if (high == no_digit || low == no_digit) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
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
    const auto value = digit(base64_values, c);
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
  auto hash = initial_hash;
  const std::size_t whole = size / block_size * block_size;
  for (std::size_t at = 0; at < whole; at += block_size) hash_block(hash, data + at);
  const auto tail = padded_tail(data + whole, size - whole, size);
  for (std::size_t at = 0; at < tail.size(); at += block_size) hash_block(hash, tail.data() + at);

  std::array<std::uint8_t, 32> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(hash[i / 4] >> (24 - 8 * (i % 4)));
  return out;
}

std::array<std::uint8_t, 32> sha256d(const Bytes& bytes) {
  const auto once = sha256(bytes.data(), bytes.size());
  return sha256(once.data(), once.size());
}

}  // namespace util
