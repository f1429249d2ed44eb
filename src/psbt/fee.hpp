#pragma once

#include <cstddef>
#include <optional>

#include "bitcoin/amounts.hpp"
#include "psbt/psbt.hpp"
#include "util/function.hpp"

namespace psbt {

/// What input `index` spends; nothing when it is not known.
using AmountOf = util::Function<std::optional<bitcoin::Sat>(std::size_t index)>;

/// The fee of the transaction. Nothing when an amount is not known, or when its outputs are more than its inputs.
[[nodiscard]] std::optional<bitcoin::Sat> fee(const Psbt& psbt, AmountOf amount_of);

}  // namespace psbt
