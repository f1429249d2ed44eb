#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "ledger/ledger.hpp"
#include "lightningd/channel.hpp"
#include "peers/peer_opening.hpp"

namespace sending {

/// How many of a transaction's channels there are, and what they tell.
struct FoundChannels {
  std::size_t wanted = 0;
  std::size_t present = 0;                     ///< alive, whether withheld or not
  bool shown = false;                          ///< whether lightningd shows any of them, in any state
  bool all_withheld = true;                    ///< of those that it shows
  bool locked_in = false;                      ///< one of them has confirmed
  std::optional<bitcoin::Outpoint> waiting{};  ///< the funding output of one that is present and has not confirmed
};

/// Of a ledger with a plan.
[[nodiscard]] FoundChannels find_channels(const ledger::Ledger& ledger,
                                          const std::vector<lightningd::PeerChannel>& channels);

/// A channel of the plan's transaction on which a peer may count already: one without confirmations is in use at once,
/// may be spliced, and may be closing again. Nothing when there is none.
[[nodiscard]] const lightningd::PeerChannel* find_in_use(const ledger::Ledger& ledger,
                                                         const std::vector<lightningd::PeerChannel>& channels);

/// The channels that wait for their transaction, whoever opened them.
using ReadyChannels = std::set<std::pair<bitcoin::Outpoint, lightningd::NodeId>>;
[[nodiscard]] ReadyChannels ready_channels(const std::vector<lightningd::PeerChannel>& channels, bool withheld);

/// Whether the peer's channel is among them, with the right outpoint.
[[nodiscard]] bool is_ready(const ReadyChannels& channels, const peers::PeerOpening& peer);

/// Whether lightningd shows a channel of this transaction, in any state.
[[nodiscard]] bool any_shown(const std::vector<lightningd::PeerChannel>& channels, const bitcoin::Txid& txid);

/// Whether every channel of this transaction that there is still is withheld. When there is any, lightningd has not
/// begun to broadcast the transaction; when there is none, that tells nothing.
[[nodiscard]] bool all_withheld(const std::vector<lightningd::PeerChannel>& channels, const bitcoin::Txid& txid);

}  // namespace sending
