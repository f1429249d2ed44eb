#include "bump/ancestry.hpp"

#include <algorithm>
#include <optional>

#include "util/str.hpp"

namespace bump {

using bitcoin::Outpoint;
using bitcoin::Sat;
using bitcoin::Txid;
using chain::RecordedTransaction;
using util::Error;
using util::Result;
using util::str;

Ancestry::Ancestry(const Transactions& transactions, const std::vector<lightningd::WalletOutput>& outputs) {
  for (const auto& one : transactions) {
    transactions_.emplace(one.txid, one);
    if (!one.transaction) continue;
    const auto& made = one.transaction->transaction.outputs;
    for (std::uint32_t i = 0; i < made.size(); ++i) amounts_.emplace(Outpoint{one.txid, i}, made[i].amount);
  }
  for (const auto& output : outputs) amounts_.emplace(output.outpoint, output.amount);
}

const RecordedTransaction* Ancestry::find(const Txid& txid) const {
  const auto found = transactions_.find(txid);
  return found == transactions_.end() ? nullptr : &found->second;
}

Result<funding::Package> Ancestry::package(const Txid& txid) const {
  funding::Package package;
  std::set<Txid> added;
  if (const auto done = add(txid, added, package); !done) return done.error();
  return package;
}

Result<void> Ancestry::add(const Txid& txid, std::set<Txid>& added, funding::Package& package) const {
  const auto* const one = find(txid);
  const bool counts = one != nullptr && one->blockheight == 0;
  if (!counts || !added.insert(txid).second) return {};
  const Error unknown{-1, str("the fee of ", txid.hex(), " cannot be told: it spends what is not the wallet's"), {}};
  if (!one->transaction) {
    return Error{-1, str("the weight of ", txid.hex(), " cannot be told: not all that it spends is native segwit"), {}};
  }
  Sat in, out;
  for (const auto& input : one->transaction->transaction.inputs) {
    const auto amount = amounts_.find(input.outpoint);
    if (amount == amounts_.end()) return unknown;
    in = in + amount->second;
    if (const auto done = add(input.outpoint.txid, added, package); !done) return done;
  }
  for (const auto& output : one->transaction->transaction.outputs) out = out + output.amount;
  if (in < out) return unknown;
  package.add(one->transaction->weight(), in - out);
  return {};
}

std::vector<Txid> Ancestry::spenders(const Outpoint& outpoint) const {
  std::vector<Txid> found;
  for (const auto& [txid, one] : transactions_) {
    if (one.blockheight > 0) continue;
    const bool spends = std::find(one.inputs.begin(), one.inputs.end(), outpoint) != one.inputs.end();
    if (spends) found.push_back(txid);
  }
  return found;
}

}  // namespace bump
