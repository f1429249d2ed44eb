#pragma once

#include <optional>

#include "psbt/psbt.hpp"
#include "util/bytes.hpp"
#include "util/result.hpp"

namespace psbt {

/// An error (-1) that names the first input without a signature.
[[nodiscard]] util::Result<void> check_signed(const Psbt& psbt);

/// The network serialisation (BIP 144) of a PSBT that our wallet has signed: what sendpsbt would broadcast. Whoever
/// has it can spend the coins, so it goes to the user and never into a log. Nothing when the witness of an input can
/// not be told (see final_witness): none is better than a wrong one.
[[nodiscard]] std::optional<util::Bytes> final_transaction(const Psbt& psbt);

}  // namespace psbt
