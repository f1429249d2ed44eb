#pragma once

#include <map>
#include <vector>

#include "context/calls.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"
#include "util/rope.hpp"

namespace wallet {

/// How an input that we reserved stands in the wallet now.
enum class Hold { ours, free, anothers, spent };

[[nodiscard]] Hold hold_on(const lightningd::WalletOutput& output, const ledger::ReservationRecord& record);

/// listfunds, as of just now: whoever acts on a coin by an answer that took long may meet another user's
/// reservation.
void look_at_coins(const context::Calls& calls, lightningd::Reply<std::vector<lightningd::WalletOutput>> then);

/// What reserveinputs and unreserveinputs want.
[[nodiscard]] util::SharedText psbt_of(const std::vector<bitcoin::Outpoint>& outpoints);

}  // namespace wallet
