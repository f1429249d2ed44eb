#include "lightningd/wallet_output.hpp"

#include <string_view>
#include <utility>

#include "lightningd/fields.hpp"

namespace lightningd {

namespace {

OutputStatus status_named(std::string_view name) {
  using enum OutputStatus;
  for (const auto status : {unconfirmed, confirmed, spent, immature}) {
    if (name == name_of(status)) return status;
  }
  return unknown;
}

}  // namespace

const char* name_of(OutputStatus status) {
  switch (status) {
    case OutputStatus::unconfirmed:
      return "unconfirmed";
    case OutputStatus::confirmed:
      return "confirmed";
    case OutputStatus::spent:
      return "spent";
    case OutputStatus::immature:
      return "immature";
    case OutputStatus::unknown:
      break;
  }
  return "unknown";
}

util::Result<WalletOutput> read_wallet_output(const json::Value& object) {
  Fields fields(object);
  WalletOutput output;
  output.outpoint = {fields.id<bitcoin::Txid>("txid"), fields.u32("output")};
  output.amount = fields.sat("amount_msat");
  output.scriptpubkey = fields.bytes("scriptpubkey");
  output.status = status_named(fields.text("status"));
  if (fields.has("reserved")) output.reserved = fields.boolean("reserved");
  if (fields.has("reserved_to_block")) output.reserved_to_block = fields.u32("reserved_to_block");
  output.has_redeemscript = fields.has("redeemscript");
  if (fields.has("blockheight")) output.blockheight = fields.u32("blockheight");
  if (fields.has("spendable_at")) output.spendable_at = fields.u32("spendable_at");
  return fields.finish(std::move(output));
}

}  // namespace lightningd
