#pragma once

#include "funding/psbt.hpp"
#include "util/bytes.hpp"
#include "util/result.hpp"

namespace funding {

/// The network serialisation (BIP 144) of a PSBT that our wallet has signed: P2WPKH and P2TR key spends,
/// or inputs that are final already. What sendpsbt would broadcast; whoever has it can spend the coins,
/// so it goes to the user and never into a log. An error (-1) names the input that lacks a signature.
[[nodiscard]] util::Result<util::Bytes> final_transaction(const Psbt& psbt);

}  // namespace funding
