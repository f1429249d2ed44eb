#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bitcoin/ids.hpp"
#include "bitcoin/transaction.hpp"
#include "lightningd/client.hpp"

namespace chain {

/// A transaction that the wallet has recorded.
struct WalletTransaction {
  bitcoin::Txid txid;
  std::uint32_t blockheight = 0;  ///< 0: in no block
  std::vector<bitcoin::Outpoint> inputs;
};

/// The same as it was signed.
struct RecordedTransaction : WalletTransaction {
  std::optional<bitcoin::SignedTransaction> transaction{};  ///< nothing when it spends anything but native segwit
};

/// Asks what bitcoind and the wallet know of transactions that others may have sent. Cheap to copy.
class ChainLook {
 public:
  explicit ChainLook(const lightningd::Client& client) : calls_(client.calls()) {}

  /// The output, as long as it is in the mempool or the chain and nothing there spends it (getutxout of lightningd's
  /// backend). Nothing proves nothing: bitcoind may be down.
  void unspent(const bitcoin::Outpoint& outpoint, lightningd::Reply<std::optional<bitcoin::TxOutput>> then) const;
  /// Whether there is one, whatever the backend says of it. `false` proves nothing either.
  void is_unspent(const bitcoin::Outpoint& outpoint, lightningd::Reply<bool> then) const;
  /// How many blocks bitcoind has (getchaininfo of lightningd's backend). lightningd asks for new ones every 30 seconds
  /// (v26.06.6): `known` is the last that it has seen.
  void blocks(std::uint32_t known, lightningd::Reply<std::uint32_t> then) const;
  /// All that the wallet has recorded, those as well that others have replaced (listtransactions).
  void all_signed(lightningd::Reply<std::vector<RecordedTransaction>> then) const;
  /// The signed transaction, when the wallet has recorded it (listtransactions): one that it has sent, or has seen in a
  /// block because it funds a channel.
  void recorded(const bitcoin::Txid& txid, lightningd::Reply<std::optional<bitcoin::SignedTransaction>> then) const;
  /// Whether the wallet has recorded it.
  void is_recorded(const bitcoin::Txid& txid, lightningd::Reply<bool> then) const;
  /// All that it has recorded.
  void all_recorded(lightningd::Reply<std::vector<WalletTransaction>> then) const;

 private:
  lightningd::TypedCaller calls_;
};

}  // namespace chain
