#pragma once

#include <optional>
#include <vector>

#include "ledger/ledger.hpp"
#include "psbt/psbt.hpp"
#include "util/result.hpp"

namespace given {

/// Whether this is the plan's transaction, signed: what multifundchannel-finish is given, when the user signs. Errors
/// (-32602) begin with `psbt`.
[[nodiscard]] util::Result<void> check_signed_psbt(const ledger::FundingPlan& plan,
                                                   const std::optional<psbt::Psbt>& signed_psbt);

/// The same once it is known what each input spends: whether its witness has the form that bitcoind relays, and how
/// much it weighs. Errors likewise.
[[nodiscard]] util::Result<void> check_witnesses(const psbt::Psbt& signed_psbt,
                                                 const std::vector<std::optional<bitcoin::TxOutput>>& spent);

}  // namespace given
