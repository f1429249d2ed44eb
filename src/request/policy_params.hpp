#pragma once

#include <optional>

#include "bitcoin/amounts.hpp"
#include "lightningd/channel.hpp"
#include "params/params.hpp"

namespace request {

/// The members of a destination that setchannel takes: feebase, feeppm, htlcmin and htlcmax. Nothing when
/// none is given. `amount` is 0 when it is not known yet (`all`): then lightningd has to judge htlcmax.
[[nodiscard]] std::optional<lightningd::ChannelPolicy> parse_policy(params::Params& params, bitcoin::Sat amount);

}  // namespace request
