#pragma once

#include "psbt/psbt.hpp"
#include "util/result.hpp"

namespace psbt {

/// Whether a wallet's PSBT can pay for channels that are added to it: unsigned, native segwit coins that it tells all
/// about, at most one output, which is an address, and nothing that bitcoind would wait for or refuse. Errors (-1) say
/// what is wrong, for the end of a sentence that names the PSBT.
[[nodiscard]] util::Result<void> check_unsigned(const Psbt& psbt);

}  // namespace psbt
