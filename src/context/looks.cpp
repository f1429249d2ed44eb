#include "context/looks.hpp"

#include <utility>

namespace context {

using lightningd::Reply;

void look_at_coins(const Calls& calls, Reply<std::vector<lightningd::WalletOutput>> then) {
  using Outputs = std::vector<lightningd::WalletOutput>;
  calls.fresh<Outputs>(
      "listfunds", [client = calls.client](Reply<Outputs> reply) { client.listfunds(std::move(reply)); },
      std::move(then));
}

void look_at_channels(const Calls& calls, const std::optional<lightningd::NodeId>& peer,
                      Reply<std::vector<lightningd::PeerChannel>> then) {
  using Channels = std::vector<lightningd::PeerChannel>;
  calls.fresh<Channels>(
      "listpeerchannels",
      [client = calls.client, peer](Reply<Channels> reply) { client.listpeerchannels(peer, std::move(reply)); },
      std::move(then));
}

}  // namespace context
