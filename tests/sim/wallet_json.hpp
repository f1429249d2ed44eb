#pragma once

#include <cstdint>
#include <vector>

#include "json/writer.hpp"
#include "sim/core.hpp"

namespace sim {

/// One coin as listfunds shows it.
void write_coin(json::Writer& writer, const Wallet& wallet, const Coin& coin);
/// One element of "reservations".
void write_reservation(json::Writer& writer, const Wallet& wallet, const Coin& coin, bool was_reserved);
/// Reserves the coins and writes "reservations".
void write_reserved(json::Writer& writer, Core& core, const std::vector<Coin*>& coins, std::uint32_t blocks);

}  // namespace sim
