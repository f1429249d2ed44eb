#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "psbt/psbt.hpp"
#include "util/bytes.hpp"

namespace psbt {

/// The witness of a signed input, as BIP 174's finalizer makes it of what the PSBT knows: the signatures, the output
/// that is spent and its witness script. Nothing when it lacks one of them, or spends what is not known here: known
/// are P2WPKH, P2TR by its key, and P2WSH of one key, alone or with a delay that has passed (what a peer's unilateral
/// close of an anchor channel pays to our wallet: BOLT 3, to_remote).
[[nodiscard]] std::optional<std::vector<util::Bytes>> final_witness(const Psbt& psbt, std::size_t input);

/// Whether the input has a signature at all, or is final.
[[nodiscard]] bool is_signed(const PsbtMap& input);

/// Whether whoever signs the input is to sign the whole transaction, as is usual: SIGHASH_ALL, or the default, which
/// only taproot has.
[[nodiscard]] bool is_for_all(const PsbtMap& input, bool is_taproot);

}  // namespace psbt
