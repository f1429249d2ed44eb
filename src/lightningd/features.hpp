#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "util/bytes.hpp"

namespace lightningd {

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
inline constexpr std::size_t amp = 30;
inline constexpr std::size_t scid_alias = 46;
inline constexpr std::size_t script_enforced_lease = 2022;
}  // namespace feature

/// Whether they are those of LND: nobody else offers either. After funding_created it drops an error, keeps the channel
/// pending for 2,016 blocks, and by default takes no other opening of the same node meanwhile (maxpendingchannels).
[[nodiscard]] bool is_lnd(const Features& features);

}  // namespace lightningd
