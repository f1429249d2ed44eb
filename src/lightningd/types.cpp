#include "lightningd/types.hpp"

#include <charconv>

#include "util/str.hpp"

namespace lightningd {

std::string Outpoint::str() const { return util::str(txid.hex(), ':', vout); }

std::optional<Outpoint> Outpoint::parse(std::string_view text) {
  constexpr std::size_t txid_digits = 64;
  if (text.size() < txid_digits + 2 || text[txid_digits] != ':') return std::nullopt;
  const auto txid = Txid::from_hex(text.substr(0, txid_digits));
  if (!txid) return std::nullopt;

  const auto number = text.substr(txid_digits + 1);
  // One text per outpoint: "txid:01" is none.
  if (number.size() > 1 && number.front() == '0') return std::nullopt;
  Outpoint outpoint{*txid, 0};
  const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), outpoint.vout);
  if (error != std::errc() || rest != number.data() + number.size()) return std::nullopt;
  return outpoint;
}

ChannelId v1_channel_id(const Txid& txid, std::uint16_t outnum) {
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

std::optional<Features> Features::from_hex(std::string_view hex) {
  auto bits = util::from_hex(hex);
  if (!bits) return std::nullopt;
  Features features;
  features.bits_ = std::move(*bits);
  return features;
}

bool Features::has(std::size_t bit) const {
  const std::size_t byte = bit / 8;
  if (byte >= bits_.size()) return false;
  return (bits_[bits_.size() - 1 - byte] >> (bit % 8) & 1) != 0;
}

}  // namespace lightningd
