#pragma once

#include <cstdint>
#include <vector>

#include "chain/transaction_look.hpp"
#include "lightningd/client.hpp"
#include "waiting/left_batch.hpp"

namespace waiting {

/// A batch's transaction as it is seen at one moment.
struct Picture {
  std::uint32_t height = 0;  ///< of the chain; 0: lightningd did not tell
  std::vector<lightningd::PeerChannel> channels;
  chain::Sight sight;
};

/// Asks what lightningd shows of the channels, and what bitcoind knows of the transaction. Owned by the Waiting.
class BatchLook {
 public:
  explicit BatchLook(LeftBatch& batch) : batch_(batch), look_(batch.calls) {}
  BatchLook(const BatchLook&) = delete;
  BatchLook& operator=(const BatchLook&) = delete;

  void ask(lightningd::Reply<Picture> then);

 private:
  using Channels = std::vector<lightningd::PeerChannel>;

  void ask_for_channels(std::uint32_t height, lightningd::Reply<Picture> then);
  void ask_bitcoind(Picture picture, lightningd::Reply<Picture> then);

  LeftBatch& batch_;
  chain::TransactionLook look_;
};

}  // namespace waiting
