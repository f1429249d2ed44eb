#pragma once

#include <cstddef>

#include "sim/core.hpp"

namespace sim {

// What peers keep of their channels with us, whatever our node has forgotten or our process has survived.

/// funding_created has come to the peer: it writes the channel down.
void write_down(const Core& core, Peer& peer, const bitcoin::Outpoint& funding);

/// Channels that wait at the peer for a transaction that is not in a block. Whoever ends a channel on an error has only
/// those that our node has too.
[[nodiscard]] std::size_t pending_at(const Core& core, const Peer& peer);

/// One more may be opened.
[[nodiscard]] bool takes_another(const Core& core, const Peer& peer);

}  // namespace sim
