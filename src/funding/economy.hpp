#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "funding/funding_transaction.hpp"
#include "lightningd/types.hpp"

namespace funding {

/// Whether spending it costs at least what it brings.
[[nodiscard]] bool is_uneconomical(lightningd::Sat amount, const util::Bytes& script, lightningd::Perkw feerate);

struct Coin {
  lightningd::Outpoint outpoint;
  lightningd::Sat amount;
};

/// The inputs that cost at least what they bring, apart from those of a proposal that has no others. `all` of
/// lightningd takes them like any other.
[[nodiscard]] std::vector<Coin> uneconomical_inputs(const Template& proposal);

}  // namespace funding
