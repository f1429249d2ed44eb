#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "psbt/psbt.hpp"
#include "util/bytes.hpp"
#include "util/result.hpp"

namespace given {

/// Whether a signed input has what spends `script` in the form that bitcoind relays (v29): P2WPKH, P2WSH and P2TR. It
/// looks at the number of items, their sizes, the hashes of key and script, and that each signature is for the whole
/// transaction. Whether a signature is right is not looked at: that takes the curve. Errors (-1) say what is wrong, for
/// the end of a sentence that names the input.
[[nodiscard]] util::Result<void> check_witness(const psbt::Psbt& signed_psbt, std::size_t input,
                                               const util::Bytes& script);

/// Of the signed transaction; nothing as long as an input is not final.
[[nodiscard]] std::optional<std::uint64_t> signed_weight(const psbt::Psbt& signed_psbt);

}  // namespace given
