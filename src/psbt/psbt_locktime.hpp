#pragma once

#include <cstdint>
#include <vector>

#include "psbt/psbt.hpp"
#include "util/result.hpp"

namespace psbt {

/// The transaction's locktime by BIP 370, "Determining Lock Time": what the inputs require, else the
/// fallback. Errors (without a code): a value that is no height or no time, or inputs of which some
/// require a height only and others a time only.
[[nodiscard]] util::Result<std::uint32_t> determine_locktime(const std::vector<PsbtMap>& inputs,
                                                             std::uint32_t fallback);

}  // namespace psbt
