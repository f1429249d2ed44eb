#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "funding/funding_transaction.hpp"
#include "funding/share.hpp"
#include "lightningd/types.hpp"
#include "util/result.hpp"

namespace funding {

/// What each share gets.
struct Division {
  std::map<std::size_t, lightningd::Sat> amounts;  ///< by the index of the destination
  lightningd::Sat sum;
  lightningd::Sat rest;  ///< what nobody gets
  /// The rest is enough for a change output, and the offer has none: the wallet has to be asked for the
  /// same coins with change. A smaller rest is fee.
  bool needs_change = false;
};

/// Divides what the wallet offers for "all": its excess less `fixed`, the sum of the other amounts, and less
/// what final_weight() adds to lightningd's estimate; and less the cost of a change output that is needed. Error -32602
/// when nothing sensible is left, for one of the shares or at all. With `least_change`, what is divided is all that the
/// inputs have beyond that, and the offer should have change.
[[nodiscard]] util::Result<Division> divide(const Template& offer, lightningd::Sat fixed, std::size_t outputs,
                                            const std::vector<Claim>& claims, lightningd::Sat least_change = {});

}  // namespace funding
