#pragma once

#include <optional>
#include <string>

#include "bitcoin/ids.hpp"
#include "bitcoin/transaction.hpp"
#include "lightningd/client.hpp"

namespace chain {

/// Asks what bitcoind and the wallet know of transactions that others may have sent. Cheap to copy.
class ChainLook {
 public:
  explicit ChainLook(const lightningd::Client& client) : calls_(client.calls()) {}

  /// The output, as long as it is in the mempool or the chain and nothing there spends it (getutxout of lightningd's
  /// backend). Nothing proves nothing: bitcoind may be down.
  void unspent(const bitcoin::Outpoint& outpoint, lightningd::Reply<std::optional<bitcoin::TxOutput>> then) const;
  /// The signed transaction, when the wallet has recorded it (listtransactions): one that it has sent, or has seen in a
  /// block because it funds a channel.
  void recorded(const bitcoin::Txid& txid, lightningd::Reply<std::optional<bitcoin::SignedTransaction>> then) const;

 private:
  lightningd::TypedCaller calls_;
};

}  // namespace chain
