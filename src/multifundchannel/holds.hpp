#pragma once

#include <map>
#include <vector>

#include "funding/ledger.hpp"
#include "lightningd/client.hpp"
#include "util/rope.hpp"

namespace multifundchannel {

/// How an input that we reserved stands in the wallet now.
enum class Hold { ours, free, somebody_elses, spent };

[[nodiscard]] Hold hold_on(const lightningd::WalletOutput& output, const funding::ReservationRecord& record);

/// For each input of the record; those that listfunds does not show are spent.
[[nodiscard]] std::map<lightningd::Outpoint, Hold> holds_on(const std::vector<lightningd::WalletOutput>& outputs,
                                                            const funding::ReservationRecord& record);

/// What reserveinputs and unreserveinputs want.
[[nodiscard]] util::SharedText psbt_of(const std::vector<lightningd::Outpoint>& outpoints);

}  // namespace multifundchannel
