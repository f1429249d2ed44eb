#include "chain/chain_look.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "chain/chain_replies.hpp"
#include "json/writer.hpp"

namespace chain {

using bitcoin::SignedTransaction;
using bitcoin::TxOutput;
using lightningd::Reply;
using util::Result;

namespace {

using Recordeds = std::vector<RecordedTransaction>;

std::string params_of(const bitcoin::Outpoint& outpoint) {
  return json::Writer().object().field("txid", outpoint.txid.hex()).field("vout", outpoint.vout).end().take();
}

}  // namespace

void ChainLook::unspent(const bitcoin::Outpoint& outpoint, Reply<std::optional<TxOutput>> then) const {
  calls_.send("getutxout", params_of(outpoint), replies::output, std::move(then));
}

void ChainLook::is_unspent(const bitcoin::Outpoint& outpoint, Reply<bool> then) const {
  calls_.send("getutxout", params_of(outpoint), replies::is_output, std::move(then));
}

void ChainLook::blocks(std::uint32_t known, Reply<std::uint32_t> then) const {
  calls_.send("getchaininfo", json::Writer().object().field("last_height", known).end().take(), replies::blocks,
              std::move(then));
}

void ChainLook::all_signed(Reply<Recordeds> then) const {
  calls_.send(
      "listtransactions", std::string("{}"), replies::recorded, std::move(then),
      R"({"transactions":[{"hash":true,"rawtx":true,"blockheight":true,"inputs":[{"txid":true,"index":true}]}]})");
}

void ChainLook::recorded(const bitcoin::Txid& txid, Reply<std::optional<SignedTransaction>> then) const {
  all_signed([txid, then = std::move(then)](const Result<Recordeds>& all) mutable {
    if (!all) return then(all.error());
    for (const auto& one : *all) {
      if (one.txid == txid && one.transaction) return then(one.transaction);
    }
    then(std::optional<SignedTransaction>());
  });
}

void ChainLook::is_recorded(const bitcoin::Txid& txid, Reply<bool> then) const {
  using Txids = std::vector<bitcoin::Txid>;
  auto read = [txid, then = std::move(then)](const Result<Txids>& all) mutable {
    if (!all) return then(all.error());
    then(std::find(all->begin(), all->end(), txid) != all->end());
  };
  calls_.send("listtransactions", std::string("{}"), replies::txids, Reply<Txids>(std::move(read)),
              R"({"transactions":[{"hash":true}]})");
}

void ChainLook::all_recorded(Reply<std::vector<WalletTransaction>> then) const {
  calls_.send("listtransactions", std::string("{}"), replies::transactions, std::move(then),
              R"({"transactions":[{"hash":true,"blockheight":true,"inputs":[{"txid":true,"index":true}]}]})");
}

}  // namespace chain
