#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "bitcoin/amounts.hpp"
#include "funding/commitment.hpp"
#include "lightningd/features.hpp"
#include "request/request.hpp"

namespace checks {

// What lightningd does otherwise than the user may expect, without a word. A preview has these lines among its
// warnings, the details of a batch too; each begins with the parameter that it is about.

/// A feerate that was raised to the least that lightningd takes.
[[nodiscard]] std::optional<std::string> caution_of_feerate(const request::Request& request, bitcoin::Perkw used);

/// A commitment_feerate beside channels with anchors, for which it does not count.
[[nodiscard]] std::optional<std::string> caution_of_commitment_feerate(const request::Request& request,
                                                                       std::size_t anchor_channels);

/// A close_to that the peer does not promise to keep to, or may refuse as one of a kind that it need not take.
[[nodiscard]] std::optional<std::string> caution_of_close_to(const request::Destination& destination,
                                                             const lightningd::Features& ours,
                                                             const lightningd::Features& peers);

}  // namespace checks
