#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "util/bytes.hpp"

namespace bitcoin {

/// A 32-byte id shown as hex. The tag keeps txids and channel ids apart.
template <class Tag>
class Id32 {
 public:
  Id32() = default;
  /// From 64 hex digits.
  [[nodiscard]] static std::optional<Id32> from_hex(std::string_view hex) {
    auto bytes = util::from_hex(hex);
    if (!bytes || bytes->size() != 32) return std::nullopt;
    Id32 id;
    std::copy(bytes->begin(), bytes->end(), id.bytes_.begin());
    return id;
  }
  [[nodiscard]] static Id32 from_bytes(const std::array<std::uint8_t, 32>& bytes) {
    Id32 id;
    id.bytes_ = bytes;
    return id;
  }
  /// Bytes in the order in which the hex text shows them.
  [[nodiscard]] const std::array<std::uint8_t, 32>& bytes() const { return bytes_; }
  [[nodiscard]] std::string hex() const { return util::to_hex(bytes_.data(), bytes_.size()); }
  auto operator<=>(const Id32&) const = default;

 private:
  std::array<std::uint8_t, 32> bytes_{};
};

/// A transaction id in display order (the reverse of how it is hashed and serialised).
using Txid = Id32<struct TxidTag>;
struct Outpoint {
  Txid txid;
  std::uint32_t vout = 0;
  auto operator<=>(const Outpoint&) const = default;
  /// "txid:vout", as the RPC writes it.
  [[nodiscard]] std::string str() const;
  [[nodiscard]] static std::optional<Outpoint> parse(std::string_view text);
};

}  // namespace bitcoin
