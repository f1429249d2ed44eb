#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bitcoin/amounts.hpp"
#include "psbt/psbt.hpp"

namespace sending {

/// What the fee of a transaction of this weight lacks of the mempool's floor, in words. Nothing when bitcoind would
/// take it.
[[nodiscard]] std::optional<std::string> below_floor(bitcoin::Sat fee, std::uint64_t weight, bitcoin::Perkw floor);

/// The same of a signed transaction. Nothing, too, when the PSBT does not tell what it spends.
[[nodiscard]] std::optional<std::string> below_floor(const psbt::Psbt& signed_psbt, bitcoin::Perkw floor);

}  // namespace sending
