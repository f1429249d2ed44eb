#pragma once

#include <optional>
#include <string>

#include "bitcoin/amounts.hpp"
#include "psbt/psbt.hpp"

namespace sending {

/// What the fee of a signed transaction lacks of the mempool's floor, in words. Nothing when bitcoind would take it, or
/// when the PSBT does not tell what it spends.
[[nodiscard]] std::optional<std::string> below_floor(const psbt::Psbt& signed_psbt, bitcoin::Perkw floor);

}  // namespace sending
