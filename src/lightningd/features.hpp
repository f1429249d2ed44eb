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
inline constexpr std::size_t scid_alias = 46;
}  // namespace feature

}  // namespace lightningd
