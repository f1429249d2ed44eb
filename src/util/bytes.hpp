#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace util {

using Bytes = std::vector<std::uint8_t>;

/// Lower-case hex.
[[nodiscard]] std::string to_hex(const std::uint8_t* data, std::size_t size);
[[nodiscard]] std::string to_hex(const Bytes& bytes);
/// Nothing when the text has odd length or a character that is not a hex digit of either case.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);

/// RFC 4648 section 4, with padding.
[[nodiscard]] std::string to_base64(const Bytes& bytes);
/// Nothing on a wrong character, length or padding. Accepts canonical padding only.
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

/// FIPS 180-4.
[[nodiscard]] std::array<std::uint8_t, 32> sha256(const std::uint8_t* data, std::size_t size);
/// SHA256 of SHA256, as Bitcoin hashes transactions.
[[nodiscard]] std::array<std::uint8_t, 32> sha256d(const Bytes& bytes);

}  // namespace util
