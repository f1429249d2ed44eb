#include "sim/wallet_json.hpp"

#include "sim/script.hpp"

namespace sim {

void write_coin(json::Writer& writer, const Wallet& wallet, const Coin& coin) {
  writer.object().field("txid", coin.outpoint.txid.hex()).field("output", coin.outpoint.vout);
  writer.field("amount_msat", coin.amount.value * 1000);
  if (is_p2sh(coin.script)) writer.field("redeemscript", "0014" + util::to_hex(coin.script).substr(4, 40));
  writer.field("scriptpubkey", util::to_hex(coin.script));
  if (!is_p2sh(coin.script)) writer.field("address", segwit_address(coin.script));
  if (coin.state == Coin::State::spent) {
    writer.field("status", "spent");
  } else {
    writer.field("status", coin.height ? "confirmed" : "unconfirmed");
  }
  if (coin.height) writer.field("blockheight", *coin.height);
  writer.field("reserved", wallet.is_reserved(coin));
  if (wallet.is_reserved(coin)) writer.field("reserved_to_block", coin.reserved_until);
  writer.end();
}

void write_reservation(json::Writer& writer, const Wallet& wallet, const Coin& coin, bool was_reserved) {
  writer.object().field("txid", coin.outpoint.txid.hex()).field("vout", coin.outpoint.vout);
  writer.field("was_reserved", was_reserved).field("reserved", wallet.is_reserved(coin));
  if (wallet.is_reserved(coin)) writer.field("reserved_to_block", coin.reserved_until);
  writer.end();
}

void write_reserved(json::Writer& writer, Core& core, const std::vector<Coin*>& coins, std::uint32_t blocks) {
  Wallet& wallet = core.wallet;
  writer.key("reservations").array();
  for (Coin* coin : coins) {
    const bool before = wallet.is_reserved(*coin);
    // Another user took it just before: that is given back, unless a crash comes first.
    if (before && coin->meddled && coin->others_until > wallet.height) coin->unforeseen = true;
    if (!before) core.monitor.reserving(*coin, core.asked, core.runtime.now());
    wallet.reserve(*coin, blocks);
    write_reservation(writer, wallet, *coin, before);
  }
  writer.end();
}

}  // namespace sim
