#include "chain/chain_look.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "lightningd/fields.hpp"
#include "util/bytes.hpp"

namespace chain {

using bitcoin::SignedTransaction;
using bitcoin::TxOutput;
using lightningd::Reply;
using util::Error;
using util::Result;

namespace {

using Recordeds = std::vector<RecordedTransaction>;

Error unexpected(const json::Value& value, const char* what) {
  return Error{lightningd::code::generic, value.path() + what, {}};
}

/// "1000sat".
std::optional<bitcoin::Sat> read_sat(std::string_view text) {
  bitcoin::Sat sat;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, sat.value);
  const bool whole =
      read.ec == std::errc() && std::string_view(read.ptr, static_cast<std::size_t>(end - read.ptr)) == "sat";
  return whole ? std::optional(sat) : std::nullopt;
}

Result<std::optional<TxOutput>> read_output(const json::Value& result) {
  if (!result.is_object()) return unexpected(result, ": expected an object");
  if (!result.find("amount")) return std::optional<TxOutput>();
  const auto amount = result.string("amount");
  const auto hex = result.string("script");
  if (!amount) return amount.error();
  if (!hex) return hex.error();
  const auto sat = read_sat(*amount);
  if (!sat) return unexpected(result, ".amount: expected satoshi, such as 1000sat");
  auto script = util::from_hex(*hex);
  if (!script) return unexpected(result, ".script: expected hex");
  return std::optional(TxOutput{*sat, std::move(*script)});
}

Result<bool> is_output(const json::Value& result) {
  if (!result.is_object()) return unexpected(result, ": expected an object");
  return result.find("amount").has_value();
}

std::string params_of(const bitcoin::Outpoint& outpoint) {
  return json::Writer().object().field("txid", outpoint.txid.hex()).field("vout", outpoint.vout).end().take();
}

Result<std::uint32_t> read_blocks(const json::Value& object) {
  lightningd::Fields fields(object);
  return fields.finish(fields.u32("blockcount"));
}

Result<bitcoin::Txid> read_txid(const json::Value& object) {
  lightningd::Fields fields(object);
  return fields.finish(fields.id<bitcoin::Txid>("hash"));
}

Result<std::vector<bitcoin::Txid>> read_txids(const json::Value& result) {
  return lightningd::list(result, "transactions", read_txid);
}

Result<bitcoin::Outpoint> read_input(const json::Value& object) {
  lightningd::Fields fields(object);
  return fields.finish(bitcoin::Outpoint{fields.id<bitcoin::Txid>("txid"), fields.u32("index")});
}

Result<WalletTransaction> read_transaction(const json::Value& object) {
  lightningd::Fields fields(object);
  WalletTransaction transaction;
  transaction.txid = fields.id<bitcoin::Txid>("hash");
  transaction.blockheight = fields.u32("blockheight");
  auto inputs = lightningd::list(object, "inputs", read_input);
  if (!inputs) return inputs.error();
  transaction.inputs = std::move(*inputs);
  return fields.finish(std::move(transaction));
}

Result<std::vector<WalletTransaction>> read_transactions(const json::Value& result) {
  return lightningd::list(result, "transactions", read_transaction);
}

Result<RecordedTransaction> read_recorded(const json::Value& object) {
  auto base = read_transaction(object);
  if (!base) return base.error();
  const auto hex = object.string("rawtx");
  if (!hex) return hex.error();
  const auto bytes = util::from_hex(*hex);
  auto transaction = bytes ? SignedTransaction::parse(*bytes) : std::nullopt;
  return RecordedTransaction{std::move(*base), std::move(transaction)};
}

Result<Recordeds> read_recordeds(const json::Value& result) {
  return lightningd::list(result, "transactions", read_recorded);
}

}  // namespace

void ChainLook::unspent(const bitcoin::Outpoint& outpoint, Reply<std::optional<TxOutput>> then) const {
  calls_.send("getutxout", params_of(outpoint), read_output, std::move(then));
}

void ChainLook::is_unspent(const bitcoin::Outpoint& outpoint, Reply<bool> then) const {
  calls_.send("getutxout", params_of(outpoint), is_output, std::move(then));
}

void ChainLook::blocks(std::uint32_t known, Reply<std::uint32_t> then) const {
  calls_.send("getchaininfo", json::Writer().object().field("last_height", known).end().take(), read_blocks,
              std::move(then));
}

void ChainLook::all_signed(Reply<Recordeds> then) const {
  calls_.send(
      "listtransactions", std::string("{}"), read_recordeds, std::move(then),
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
  calls_.send("listtransactions", std::string("{}"), read_txids, Reply<Txids>(std::move(read)),
              R"({"transactions":[{"hash":true}]})");
}

void ChainLook::all_recorded(Reply<std::vector<WalletTransaction>> then) const {
  calls_.send("listtransactions", std::string("{}"), read_transactions, std::move(then),
              R"({"transactions":[{"hash":true,"blockheight":true,"inputs":[{"txid":true,"index":true}]}]})");
}

}  // namespace chain
