#include "sending/found_channels.hpp"

#include <algorithm>
#include <utility>

namespace sending {

using bitcoin::Outpoint;
using lightningd::PeerChannel;

FoundChannels find_channels(const ledger::Ledger& ledger, const std::vector<PeerChannel>& channels) {
  const auto withheld = ready_channels(channels, true);
  const auto released = ready_channels(channels, false);
  FoundChannels found;
  found.shown = any_shown(channels, ledger.plan->txid);
  found.all_withheld = all_withheld(channels, ledger.plan->txid);
  for (std::size_t i = 0; i < ledger.openings.size(); ++i) {
    const auto outnum = ledger.plan->outnums[i];
    if (!outnum) continue;
    ++found.wanted;
    const std::pair key{Outpoint{ledger.plan->txid, *outnum}, ledger.openings[i]->peer};
    if (!withheld.contains(key) && !released.contains(key)) continue;
    ++found.present;
    found.waiting = key.first;
  }
  found.locked_in = std::any_of(channels.begin(), channels.end(), [&ledger](const PeerChannel& channel) {
    return channel.is_of(ledger.plan->txid) && !channel.short_channel_id.empty();
  });
  if (found.locked_in) found.waiting.reset();
  return found;
}

const PeerChannel* find_in_use(const ledger::Ledger& ledger, const std::vector<PeerChannel>& channels) {
  const auto used = std::find_if(channels.begin(), channels.end(), [&ledger](const PeerChannel& channel) {
    return channel.is_of(ledger.plan->txid) && channel.is_in_use();
  });
  return used == channels.end() ? nullptr : &*used;
}

ReadyChannels ready_channels(const std::vector<lightningd::PeerChannel>& channels, bool withheld) {
  ReadyChannels ready;
  for (const auto& channel : channels) {
    // A peer may open one to us that names any outpoint.
    if (channel.funding && channel.opened_by_us && channel.withheld == withheld && channel.lives())
      ready.emplace(*channel.funding, channel.peer);
  }
  return ready;
}

bool is_ready(const ReadyChannels& channels, const peers::PeerOpening& peer) {
  const auto& outpoint = peer.record()->outpoint;
  return outpoint && channels.contains({*outpoint, peer.destination().id});
}

bool any_shown(const std::vector<PeerChannel>& channels, const bitcoin::Txid& txid) {
  return std::any_of(channels.begin(), channels.end(),
                     [&txid](const PeerChannel& channel) { return channel.is_of(txid); });
}

bool all_withheld(const std::vector<lightningd::PeerChannel>& channels, const bitcoin::Txid& txid) {
  return std::all_of(channels.begin(), channels.end(), [&txid](const lightningd::PeerChannel& channel) {
    return !channel.is_of(txid) || channel.withheld;
  });
}

}  // namespace sending
