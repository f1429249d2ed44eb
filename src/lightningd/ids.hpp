#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bitcoin/ids.hpp"
#include "util/bytes.hpp"

namespace lightningd {

/// BOLT 2 channel_id.
using ChannelId = bitcoin::Id32<struct ChannelIdTag>;

/// BOLT 2 channel_id of a v1 channel: the funding txid in internal byte order with the output
/// number XORed into its last two bytes (big-endian).
[[nodiscard]] ChannelId v1_channel_id(const bitcoin::Txid& txid, std::uint16_t outnum);

/// A node's public key, 33 bytes compressed (first byte 02 or 03).
class NodeId {
 public:
  NodeId() = default;
  [[nodiscard]] static std::optional<NodeId> from_hex(std::string_view hex);
  [[nodiscard]] std::string hex() const { return util::to_hex(bytes_.data(), bytes_.size()); }
  /// The first 8 hex digits, for logs.
  [[nodiscard]] std::string brief() const { return hex().substr(0, 8); }
  auto operator<=>(const NodeId&) const = default;

 private:
  std::array<std::uint8_t, 33> bytes_{};
};

}  // namespace lightningd
