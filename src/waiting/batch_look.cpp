#include "waiting/batch_look.hpp"

#include <utility>

#include "context/looks.hpp"
#include "psbt/psbt.hpp"

namespace waiting {

using lightningd::Reply;
using util::Result;

void BatchLook::ask(Reply<Picture> then) {
  using lightningd::NodeInfo;
  auto told = [this, then = std::move(then)](const Result<NodeInfo>& node) mutable {
    ask_for_channels(node ? node->blockheight : 0, std::move(then));
  };
  batch_.calls.client.getinfo(batch_.calls.local<NodeInfo>("getinfo", std::move(told)));
}

void BatchLook::ask_for_channels(std::uint32_t height, Reply<Picture> then) {
  auto listed = [this, height, then = std::move(then)](const Result<Channels>& channels) mutable {
    if (!channels) return then(channels.error());
    ask_bitcoind({height, *channels, {}}, std::move(then));
  };
  context::look_at_channels(batch_.calls, std::nullopt, std::move(listed));
}

void BatchLook::ask_bitcoind(Picture picture, Reply<Picture> then) {
  const auto transaction = psbt::Psbt::from_base64(*batch_.ledger->plan->psbt);
  if (!transaction) return then(transaction.error());
  look_.look(*transaction, batch_.ledger->first_funding(),
             [picture = std::move(picture), then = std::move(then)](const chain::Sight& sight) mutable {
               picture.sight = sight;
               then(std::move(picture));
             });
}

}  // namespace waiting
