#pragma once

#include <optional>

#include "funding/funding_transaction.hpp"
#include "json/value.hpp"
#include "lightningd/types.hpp"
#include "util/result.hpp"

namespace funding {

/// The most that the user is ready to pay for the funding transaction.
struct FeeCap {
  std::optional<lightningd::Sat> fee;
  /// Of the fee that is really paid: without change, what is too little for a change output counts too.
  std::optional<lightningd::Perkw> feerate;

  /// Error -32602 that names the parameter, `data` with the fee and the cap.
  [[nodiscard]] util::Result<void> check(const Cost& cost) const;
};

/// lightningd's notations for a feerate in numbers: "7500perkw", "30000perkb", and bare numbers, which are
/// perkb. Rounds up to a whole perkw, as lightningd does. Errors: -32602.
[[nodiscard]] util::Result<lightningd::Perkw> parse_perkw(const json::Value& value);

}  // namespace funding
