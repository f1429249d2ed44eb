#pragma once

#include <cstddef>
#include <cstdint>

#include "psbt/psbt.hpp"

namespace psbt {

/// What input `index` adds to a transaction's weight once it is signed, at most: with the largest signatures. Exact for
/// P2WPKH, for P2TR by its key, and for P2WSH with a script that asks for some of several keys; for another script that
/// the PSBT tells it is one signature for each key that the PSBT names. Without the script it is two of three keys.
[[nodiscard]] std::uint64_t spending_weight(const Psbt& psbt, std::size_t index);

}  // namespace psbt
