#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "funding/funding_transaction.hpp"

namespace funding {

/// Whether spending it costs at least what it brings.
[[nodiscard]] bool is_uneconomical(bitcoin::Sat amount, const util::Bytes& script, bitcoin::Perkw feerate);

struct Coin {
  bitcoin::Outpoint outpoint;
  bitcoin::Sat amount;
};

/// The inputs that cost at least what they bring, apart from those of a proposal that has no others. `all` of
/// lightningd takes them like any other.
[[nodiscard]] std::vector<Coin> uneconomical_inputs(const Template& proposal);

}  // namespace funding
