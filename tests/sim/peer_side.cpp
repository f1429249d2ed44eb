#include "sim/peer_side.hpp"

#include <algorithm>

namespace sim {
namespace {

bool waits(const Core& core, const Peer& peer, const KeptChannel& kept) {
  if (core.wallet.height >= kept.since + funding_patience || core.chain.height(kept.funding.txid)) return false;
  return std::none_of(peer.channels.begin(), peer.channels.end(), [&kept](const Channel& channel) {
    return channel.funding == kept.funding && channel.state == "CHANNELD_NORMAL";
  });
}

}  // namespace

void write_down(const Core& core, Peer& peer, const bitcoin::Outpoint& funding) {
  peer.kept.push_back({funding, core.wallet.height});
}

std::size_t pending_at(const Core& core, const Peer& peer) {
  if (habits_of(peer.setup.kind).keeps_told) {
    return static_cast<std::size_t>(
        std::count_if(peer.kept.begin(), peer.kept.end(),
                      [&core, &peer](const KeptChannel& kept) { return waits(core, peer, kept); }));
  }
  return static_cast<std::size_t>(std::count_if(peer.channels.begin(), peer.channels.end(), [](const Channel& channel) {
    return channel.opened_by_us && channel.state == "CHANNELD_AWAITING_LOCKIN";
  }));
}

bool takes_another(const Core& core, const Peer& peer) {
  const auto most = habits_of(peer.setup.kind).most_pending;
  return most == 0 || pending_at(core, peer) < most;
}

}  // namespace sim
