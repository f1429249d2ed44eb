#pragma once

#include <optional>

#include "ledger/ledger.hpp"
#include "psbt/psbt.hpp"
#include "util/result.hpp"

namespace given {

/// Whether this is the plan's transaction, signed: what multifundchannel-finish is given, when the user signs. Errors
/// (-32602) begin with `psbt`.
[[nodiscard]] util::Result<void> check_signed_psbt(const ledger::FundingPlan& plan,
                                                   const std::optional<psbt::Psbt>& signed_psbt);

}  // namespace given
