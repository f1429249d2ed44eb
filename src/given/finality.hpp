#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "psbt/psbt.hpp"

namespace given {

/// Why bitcoind, whose chain has this height, would not take it into the next block yet; nothing when it would.
/// Locktimes in seconds are not looked at.
[[nodiscard]] std::optional<std::string> why_not_at(const psbt::Psbt& transaction, std::uint32_t height);

/// The same for a transaction that is to be signed and sent later, by a user whose node may be ahead of lightningd by a
/// few blocks. `now` is Unix time: what waits for a time must have waited long enough for bitcoind, which goes by the
/// blocks'.
[[nodiscard]] std::optional<std::string> why_not_soon(const psbt::Psbt& transaction, std::uint32_t height,
                                                      std::int64_t now);

}  // namespace given
