#include "sim/sending.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "sim/wallet_rpc.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

namespace code = lightningd::code;

constexpr std::uint32_t default_reserve = 72;
constexpr spark::Duration broadcast_time{5};

}  // namespace

Sending::Sending(Core& core) : core_(core) {
  core.methods.add("sendpsbt", "psbt [reserve]",
                   [this](Params& params, Reply reply) { sendpsbt(params, std::move(reply)); });
  core.methods.add("setpsbtversion", "psbt version",
                   [this](Params& params, Reply reply) { setpsbtversion(params, std::move(reply)); });
  core.methods.add("listtransactions", "", [this](Params&, Reply reply) { listtransactions(std::move(reply)); });
}

void Sending::sendpsbt(Params& params, Reply reply) {
  const auto psbt = WalletRpc::psbt_param(params, "psbt");
  const auto reserve = params.number("reserve", default_reserve);
  if (params.error()) return reply.finish(*params.error());
  const auto raw = RawPsbt::from(*psbt);
  if (!raw || !raw->is_signed()) return reply.fail(code::generic, "PSBT not finalizeable");

  // libwally shows no inputs of a version 0 PSBT: lightningd then finds none of its own.
  std::vector<Coin*> coins;
  if (psbt->version() != 0) coins = WalletRpc::inputs_of(core_.wallet, *psbt);
  std::erase(coins, nullptr);
  for (const Coin* coin : coins) {
    if (core_.wallet.is_reserved(*coin)) continue;
    return reply.fail(code::generic,
                      util::str("Aborting PSBT signing. UTXO ", coin->outpoint.str(), " is not reserved"));
  }
  core_.monitor.sending(*raw, psbt->version());
  store_in_channels(*psbt);
  for (Coin* coin : coins) core_.wallet.reserve(*coin, reserve);
  broadcast(*raw, coins, reserve, std::move(reply));
}

/// The signed PSBT goes into every channel with an equivalent one, and `withheld` goes, before
/// anything is broadcast.
void Sending::store_in_channels(const funding::Psbt& psbt) {
  const auto txid = psbt.txid();
  const auto text = util::share(psbt.base64(2));
  for (auto& peer : core_.peers.all()) {
    for (auto& channel : peer.channels) {
      if (channel.funding.txid != txid) continue;
      channel.withheld = false;
      channel.psbt = text;
    }
  }
}

void Sending::broadcast(const RawPsbt& psbt, const std::vector<Coin*>& coins, std::uint32_t reserve, Reply reply) {
  const auto how = core_.setup.broadcast;
  if (how != Broadcast::fails) to_mempool(psbt.transaction());
  if (how == Broadcast::never_answers) return;
  if (how == Broadcast::works) record(psbt);
  const std::string hex = util::to_hex(psbt.final_transaction());
  core_.monitor.secret(hex);
  if (how == Broadcast::works) {
    auto result = json::Writer().object().field("tx", hex).field("txid", psbt.transaction().txid().hex()).end().take();
    core_.after(broadcast_time,
                [reply = std::move(reply), result = std::move(result)]() mutable { reply.succeed(std::move(result)); });
    return;
  }
  for (Coin* coin : coins) core_.wallet.unreserve(*coin, reserve);
  core_.after(broadcast_time, [reply = std::move(reply), hex]() mutable {
    reply.fail(code::generic, util::str("Error broadcasting transaction: error code: -25\nerror message:\n"
                                        "bad-txns-inputs-missingorspent. Unsent tx discarded ",
                                        hex));
  });
}

void Sending::to_mempool(const funding::Transaction& transaction) {
  const auto txid = transaction.txid();
  if (!core_.mempool.insert(txid).second) return;
  sent_.push_back(txid);
  unconfirmed_.push_back(transaction);
}

/// lightningd knows the transaction from here on, and sees its change.
void Sending::record(const RawPsbt& psbt) {
  const auto& transaction = psbt.transaction();
  const auto txid = transaction.txid();
  if (!core_.known.insert(txid).second) return;
  recorded_.push_back({txid, util::to_hex(psbt.final_transaction()), transaction});
  for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) {
    const auto& output = transaction.outputs[i];
    if (core_.wallet.owns(output.script)) core_.wallet.add_change({txid, i}, output.amount, output.script);
  }
}

void Sending::mine(std::uint32_t blocks) {
  const auto height = core_.wallet.height + 1;
  core_.wallet.height += blocks;
  for (const auto& transaction : std::exchange(unconfirmed_, {})) {
    const auto txid = transaction.txid();
    for (const auto& input : transaction.inputs) {
      if (Coin* coin = core_.wallet.find(input.outpoint)) coin->state = Coin::State::spent;
    }
    for (auto& coin : core_.wallet.coins()) {
      if (coin.outpoint.txid == txid) coin.height = height;
    }
    for (auto& recorded : recorded_) {
      if (recorded.txid == txid) recorded.height = height;
    }
  }
}

void Sending::rebroadcast() {
  for (const auto& peer : core_.peers.all()) {
    for (const auto& channel : peer.channels) {
      if (channel.withheld || !channel.psbt) continue;
      const auto psbt = funding::Psbt::from_base64(*channel.psbt);
      const auto raw = psbt ? RawPsbt::from(*psbt) : std::nullopt;
      if (raw && raw->is_signed()) to_mempool(raw->transaction());
    }
  }
}

void Sending::setpsbtversion(Params& params, Reply reply) {
  const auto psbt = WalletRpc::psbt_param(params, "psbt");
  const auto version = params.number("version");
  if (params.error()) return reply.finish(*params.error());
  if (version != 0 && version != 2) return reply.fail(code::generic, "Could not set PSBT version");
  reply.succeed(json::Writer().object().field("psbt", psbt->base64(version)).end().take());
}

void Sending::listtransactions(Reply reply) {
  json::Writer writer;
  writer.object().key("transactions").array();
  for (const auto& recorded : recorded_) {
    writer.object().field("hash", recorded.txid.hex()).field("rawtx", recorded.hex);
    writer.field("blockheight", recorded.height).field("txindex", recorded.height == 0 ? 0 : 1);
    writer.field("locktime", recorded.transaction.locktime).field("version", recorded.transaction.version);
    writer.key("inputs").array();
    for (const auto& input : recorded.transaction.inputs) {
      writer.object().field("txid", input.outpoint.txid.hex()).field("index", input.outpoint.vout);
      writer.field("sequence", input.sequence).end();
    }
    writer.end().key("outputs").array();
    std::uint32_t index = 0;
    for (const auto& output : recorded.transaction.outputs) {
      writer.object().field("index", index++).field("amount_msat", output.amount.value * 1000);
      writer.field("scriptPubKey", util::to_hex(output.script)).end();
    }
    writer.end().end();
  }
  reply.succeed(writer.end().end().take());
}

}  // namespace sim
