#pragma once

#include <optional>
#include <string_view>

#include "bitcoin/amounts.hpp"
#include "json/value.hpp"
#include "lightningd/features.hpp"
#include "util/result.hpp"

namespace sim {

// What lightningd says about the parameters of an opening before it looks at the peer.

/// close_to: an address of regtest. The checksum is taken to be right when the length is.
[[nodiscard]] std::optional<util::Error> judge_close_to(std::string_view address);

/// channel_type, for a node that offers `ours`.
[[nodiscard]] std::optional<util::Error> judge_channel_type(const json::Value& bits, const lightningd::Features& ours);

/// The part of connect's `id` behind the @.
[[nodiscard]] std::optional<util::Error> judge_address(std::string_view address);

/// What the first commitment transaction costs its funder.
[[nodiscard]] bitcoin::Sat commitment_cost(bool anchors, std::uint32_t perkw);

}  // namespace sim
