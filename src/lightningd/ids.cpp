#include "lightningd/ids.hpp"

#include <algorithm>

namespace lightningd {

ChannelId v1_channel_id(const bitcoin::Txid& txid, std::uint16_t outnum) {
  auto bytes = txid.bytes();
  std::reverse(bytes.begin(), bytes.end());
  bytes[30] = static_cast<std::uint8_t>(bytes[30] ^ (outnum >> 8));
  bytes[31] = static_cast<std::uint8_t>(bytes[31] ^ (outnum & 0xff));
  return ChannelId::from_bytes(bytes);
}

std::optional<NodeId> NodeId::from_hex(std::string_view hex) {
  const auto bytes = util::from_hex(hex);
  NodeId id;
  if (!bytes || bytes->size() != id.bytes_.size()) return std::nullopt;
  if (bytes->front() != 0x02 && bytes->front() != 0x03) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), id.bytes_.begin());
  return id;
}

}  // namespace lightningd
