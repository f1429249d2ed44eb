#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "util/bytes.hpp"
#include "util/result.hpp"

namespace lightningd {

/// Satoshi. Does not mix with Msat.
struct Sat {
  std::uint64_t value = 0;
  auto operator<=>(const Sat&) const = default;
};
inline Sat operator+(Sat a, Sat b) { return {a.value + b.value}; }
inline Sat operator-(Sat a, Sat b) { return {a.value - b.value}; }

/// Millisatoshi.
struct Msat {
  std::uint64_t value = 0;
  auto operator<=>(const Msat&) const = default;
};
[[nodiscard]] inline Msat to_msat(Sat sat) { return {sat.value * 1000}; }

/// All satoshis there will ever be, as an upper bound for every amount.
inline constexpr Sat max_money{21'000'000ull * 100'000'000ull};

/// What setchannel sets for one channel; what is left out stays as it is.
struct ChannelPolicy {
  std::optional<Msat> feebase;  ///< at most 32 bits
  std::optional<std::uint32_t> feeppm;
  std::optional<Msat> htlcmin;
  std::optional<Msat> htlcmax;
  bool operator==(const ChannelPolicy&) const = default;
};

/// Satoshi per 1,000 weight units.
struct Perkw {
  std::uint32_t value = 0;
  auto operator<=>(const Perkw&) const = default;
};

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
/// BOLT 2 channel_id.
using ChannelId = Id32<struct ChannelIdTag>;

struct Outpoint {
  Txid txid;
  std::uint32_t vout = 0;
  auto operator<=>(const Outpoint&) const = default;
  /// "txid:vout", as the RPC writes it.
  [[nodiscard]] std::string str() const;
  [[nodiscard]] static std::optional<Outpoint> parse(std::string_view text);
};

/// BOLT 2 channel_id of a v1 channel: the funding txid in internal byte order with the output
/// number XORed into its last two bytes (big-endian).
[[nodiscard]] ChannelId v1_channel_id(const Txid& txid, std::uint16_t outnum);

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

/// BOLT 9 feature bits as lightningd writes them: big-endian hex.
class Features {
 public:
  Features() = default;
  [[nodiscard]] static std::optional<Features> from_hex(std::string_view hex);
  [[nodiscard]] std::string hex() const { return util::to_hex(bits_); }
  [[nodiscard]] bool has(std::size_t bit) const;
  /// The even (compulsory) or the odd (optional) bit of a pair; `even` is the even one.
  [[nodiscard]] bool offers(std::size_t even) const { return has(even) || has(even + 1); }

 private:
  util::Bytes bits_;
};

namespace feature {
inline constexpr std::size_t upfront_shutdown_script = 4;
inline constexpr std::size_t large_channels = 18;
inline constexpr std::size_t anchors_zero_fee_htlc_tx = 22;
inline constexpr std::size_t shutdown_anysegwit = 26;
inline constexpr std::size_t dual_fund = 28;
inline constexpr std::size_t scid_alias = 46;
}  // namespace feature

/// lightningd's error codes (common/jsonrpc_errors.h).
namespace code {
inline constexpr int invalid_request = -32600;
inline constexpr int method_not_found = -32601;
inline constexpr int invalid_params = -32602;
inline constexpr int generic = -1;
inline constexpr int max_exceeded = 300;
inline constexpr int cannot_afford = 301;
inline constexpr int output_is_dust = 302;
inline constexpr int broadcast_fail = 303;
inline constexpr int still_syncing = 304;
inline constexpr int not_connected = 305;
inline constexpr int unknown_peer = 306;
inline constexpr int nothing_to_cancel = 307;
inline constexpr int cancel_unsafe = 308;
inline constexpr int v2_unsupported = 310;
inline constexpr int emergency_reserve = 313;
}  // namespace code

}  // namespace lightningd
