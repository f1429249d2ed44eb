#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "funding/funding_transaction.hpp"
#include "request/share.hpp"
#include "util/result.hpp"

namespace funding {

/// What each share gets.
struct Division {
  std::map<std::size_t, bitcoin::Sat> amounts;  ///< by Claim::payee
  bitcoin::Sat sum;
  bitcoin::Sat rest;  ///< what nobody gets
  /// The rest is enough for a change output, and the offer has none: the wallet has to be asked for the
  /// same coins with change. A smaller rest is fee.
  bool needs_change = false;
};

/// Divides what the wallet offers for "all": its excess less `fixed`, the sum of the other amounts, and less
/// what final_weight() adds to lightningd's estimate; and less the cost of a change output that is needed. Error -32602
/// when nothing sensible is left, for one of the shares or at all. With `least_change`, what is divided is all that the
/// inputs have beyond that, and the offer should have change; 301 when that leaves nothing, and it is what the user
/// wants to keep (`keep_change`).
[[nodiscard]] util::Result<Division> divide(const Template& offer, bitcoin::Sat fixed, const Outputs& outputs,
                                            const std::vector<request::Claim>& claims, bitcoin::Sat least_change = {},
                                            bitcoin::Sat keep_change = {});

}  // namespace funding
