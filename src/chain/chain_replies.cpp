#include "chain/chain_replies.hpp"

#include <charconv>
#include <string_view>
#include <utility>

#include "lightningd/codes.hpp"
#include "lightningd/fields.hpp"
#include "util/bytes.hpp"

namespace chain::replies {

using bitcoin::SignedTransaction;
using bitcoin::TxOutput;
using util::Error;
using util::Result;

namespace {

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

Result<bitcoin::Txid> read_txid(const json::Value& object) {
  lightningd::Fields fields(object);
  return fields.finish(fields.id<bitcoin::Txid>("hash"));
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

Result<RecordedTransaction> read_recorded(const json::Value& object) {
  auto base = read_transaction(object);
  if (!base) return base.error();
  const auto hex = object.string("rawtx");
  if (!hex) return hex.error();
  const auto bytes = util::from_hex(*hex);
  auto transaction = bytes ? SignedTransaction::parse(*bytes) : std::nullopt;
  return RecordedTransaction{std::move(*base), std::move(transaction)};
}

}  // namespace

Result<std::optional<TxOutput>> output(const json::Value& result) {
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

Result<std::uint32_t> blocks(const json::Value& object) {
  lightningd::Fields fields(object);
  return fields.finish(fields.u32("blockcount"));
}

Result<std::vector<bitcoin::Txid>> txids(const json::Value& result) {
  return lightningd::list(result, "transactions", read_txid);
}

Result<std::vector<WalletTransaction>> transactions(const json::Value& result) {
  return lightningd::list(result, "transactions", read_transaction);
}

Result<std::vector<RecordedTransaction>> recorded(const json::Value& result) {
  return lightningd::list(result, "transactions", read_recorded);
}

}  // namespace chain::replies
