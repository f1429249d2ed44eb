#include "lightningd/features.hpp"

#include <utility>

namespace lightningd {

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

bool is_lnd(const Features& features) {
  return features.offers(feature::amp) || features.offers(feature::script_enforced_lease);
}

}  // namespace lightningd
