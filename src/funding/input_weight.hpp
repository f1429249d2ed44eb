#pragma once

#include <cstdint>

#include "util/bytes.hpp"

namespace funding {

/// What spending an output of the wallet's with this script adds to a transaction's weight.
[[nodiscard]] std::uint64_t input_weight(const util::Bytes& script);

/// The coin of a peer's unilateral close with anchors. No other P2WSH coin is the wallet's.
[[nodiscard]] bool is_close_output(const util::Bytes& script);

}  // namespace funding
