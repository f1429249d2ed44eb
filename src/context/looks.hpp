#pragma once

#include <optional>
#include <vector>

#include "context/calls.hpp"
#include "lightningd/client.hpp"

namespace context {

/// listfunds, as of just now: whoever acts on a coin by an answer that took long may meet another user's
/// reservation.
void look_at_coins(const Calls& calls, lightningd::Reply<std::vector<lightningd::WalletOutput>> then);

/// listpeerchannels, as of just now; with this peer, or with all.
void look_at_channels(const Calls& calls, const std::optional<lightningd::NodeId>& peer,
                      lightningd::Reply<std::vector<lightningd::PeerChannel>> then);

}  // namespace context
