#include "sending/found_channels.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "sending/result.hpp"

namespace sending {

using bitcoin::Outpoint;
using lightningd::PeerChannel;

FoundChannels find_channels(const ledger::Ledger& ledger, const std::vector<PeerChannel>& channels) {
  const auto withheld = ready_channels(channels, true);
  const auto released = ready_channels(channels, false);
  FoundChannels found;
  found.all_withheld = all_withheld(channels, ledger.plan->txid);
  for (std::size_t i = 0; i < ledger.openings.size(); ++i) {
    const auto outnum = ledger.plan->outnums[i];
    if (!outnum) continue;
    ++found.wanted;
    const std::pair key{Outpoint{ledger.plan->txid, *outnum}, ledger.openings[i]->peer};
    if (withheld.contains(key) || released.contains(key)) ++found.present;
  }
  found.locked_in = std::any_of(channels.begin(), channels.end(), [&ledger](const PeerChannel& channel) {
    return channel.opened_by_us && channel.funding && channel.funding->txid == ledger.plan->txid &&
           !channel.short_channel_id.empty();
  });
  return found;
}

const PeerChannel* find_in_use(const ledger::Ledger& ledger, const std::vector<PeerChannel>& channels) {
  static constexpr std::string_view states[] = {"CHANNELD_NORMAL", "CHANNELD_AWAITING_SPLICE",
                                                "CHANNELD_SHUTTING_DOWN", "CLOSINGD_SIGEXCHANGE"};
  const auto used = std::find_if(channels.begin(), channels.end(), [&ledger](const PeerChannel& channel) {
    return channel.opened_by_us && channel.funding && channel.funding->txid == ledger.plan->txid &&
           std::find(std::begin(states), std::end(states), channel.state) != std::end(states);
  });
  return used == channels.end() ? nullptr : &*used;
}

}  // namespace sending
