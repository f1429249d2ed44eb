#pragma once

#include <cstdint>

#include "lightningd/types.hpp"
#include "util/bytes.hpp"

namespace funding {

/// What spending an output with this script adds to a transaction's weight, as lightningd counts it.
[[nodiscard]] std::uint64_t input_weight(const util::Bytes& script);

/// Whether spending it costs at least what it brings.
[[nodiscard]] bool is_uneconomical(lightningd::Sat amount, const util::Bytes& script, lightningd::Perkw feerate);

}  // namespace funding
