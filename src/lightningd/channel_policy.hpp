#pragma once

#include <cstdint>
#include <optional>

#include "bitcoin/amounts.hpp"

namespace lightningd {

/// What setchannel sets for one channel; what is left out stays as it is.
struct ChannelPolicy {
  std::optional<bitcoin::Msat> feebase;  ///< at most 32 bits
  std::optional<std::uint32_t> feeppm;
  std::optional<bitcoin::Msat> htlcmin;
  std::optional<bitcoin::Msat> htlcmax;
  bool operator==(const ChannelPolicy&) const = default;
};

}  // namespace lightningd
