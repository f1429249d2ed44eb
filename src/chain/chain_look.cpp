#include "chain/chain_look.hpp"

#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/bytes.hpp"

namespace chain {

using bitcoin::SignedTransaction;
using bitcoin::TxOutput;
using lightningd::Reply;
using util::Error;
using util::Result;

namespace {

struct Recorded {
  std::string txid;
  std::string hex;
};
using Recordeds = std::vector<Recorded>;

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

Result<Recordeds> read_recorded(const json::Value& result) {
  const auto list = result.field("transactions");
  if (!list) return list.error();
  Recordeds all;
  for (const auto& value : list->elements()) {
    const auto txid = value.string("hash");
    const auto hex = value.string("rawtx");
    if (!txid) return txid.error();
    if (!hex) return hex.error();
    all.push_back({std::string(*txid), std::string(*hex)});
  }
  return all;
}

}  // namespace

void ChainLook::unspent(const bitcoin::Outpoint& outpoint, Reply<std::optional<TxOutput>> then) const {
  calls_.send("getutxout",
              json::Writer().object().field("txid", outpoint.txid.hex()).field("vout", outpoint.vout).end().take(),
              read_output, std::move(then));
}

void ChainLook::recorded(const bitcoin::Txid& txid, Reply<std::optional<SignedTransaction>> then) const {
  auto read = [txid, then = std::move(then)](const Result<Recordeds>& all) mutable {
    if (!all) return then(all.error());
    for (const auto& one : *all) {
      const auto bytes = one.txid == txid.hex() ? util::from_hex(one.hex) : std::nullopt;
      if (auto transaction = bytes ? SignedTransaction::parse(*bytes) : std::nullopt) return then(transaction);
    }
    then(std::optional<SignedTransaction>());
  };
  calls_.send("listtransactions", std::string("{}"), read_recorded, Reply<Recordeds>(std::move(read)),
              R"({"transactions":[{"hash":true,"rawtx":true}]})");
}

}  // namespace chain
