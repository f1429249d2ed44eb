#pragma once

#include <map>
#include <set>
#include <vector>

#include "bitcoin/ids.hpp"
#include "chain/chain_look.hpp"
#include "funding/package.hpp"
#include "lightningd/client.hpp"

namespace bump {

/// What the wallet knows of the transactions that have not confirmed: who spends what, and for which fee. Of what the
/// wallet spends it knows every unconfirmed parent, since it shows an output that others pay it only once that is in a
/// block. Pure: made of two answers of lightningd.
class Ancestry {
 public:
  using Transactions = std::vector<chain::RecordedTransaction>;

  Ancestry(const Transactions& transactions, const std::vector<lightningd::WalletOutput>& outputs);

  /// nullptr when the wallet has not recorded it.
  [[nodiscard]] const chain::RecordedTransaction* find(const bitcoin::Txid& txid) const;
  /// The transaction, which has not confirmed, with all of its ancestors that have not. Errors (-1): one of them spends
  /// what the wallet does not know, so that its fee or its weight cannot be told.
  [[nodiscard]] util::Result<funding::Package> package(const bitcoin::Txid& txid) const;
  /// The unconfirmed ones that spend it. Of several one at most can be in the mempool.
  [[nodiscard]] std::vector<bitcoin::Txid> spenders(const bitcoin::Outpoint& outpoint) const;

 private:
  [[nodiscard]] util::Result<void> add(const bitcoin::Txid& txid, std::set<bitcoin::Txid>& added,
                                       funding::Package& package) const;

  std::map<bitcoin::Txid, chain::RecordedTransaction> transactions_;
  std::map<bitcoin::Outpoint, bitcoin::Sat> amounts_;
};

}  // namespace bump
