#pragma once

#include <optional>

#include "bitcoin/amounts.hpp"
#include "bitcoin/fees.hpp"
#include "json/value.hpp"
#include "util/result.hpp"

namespace request {

/// The most that the user is ready to pay for the funding transaction.
struct FeeCap {
  std::optional<bitcoin::Sat> fee;
  /// Of the fee that is really paid: without change, what is too little for a change output counts too.
  std::optional<bitcoin::Perkw> feerate;

  /// Error -32602 that names the parameter, `data` with the fee and the cap.
  [[nodiscard]] util::Result<void> check(const bitcoin::Cost& cost) const;
};

/// lightningd's notations for a feerate in numbers: "7500perkw", "30000perkb", and bare numbers, which are
/// perkb. Rounds up to a whole perkw, as lightningd does. Errors: -32602.
[[nodiscard]] util::Result<bitcoin::Perkw> parse_perkw(const json::Value& value);

}  // namespace request
