#include "sim/sending.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "sim/feerates.hpp"
#include "sim/wallet_rpc.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

namespace code = lightningd::code;

constexpr spark::Duration broadcast_time{5};
constexpr spark::Duration hang_time{45'000};
constexpr spark::Duration client_gives_up{180'000};
constexpr spark::Duration ghost_time{200'000};

// As lightningd passes them on: escaped twice.
constexpr const char* bitcoind_down =
    R"(error: timeout on transient error: Could not connect to the server 127.0.0.1:18443\n\nMake sure the bitcoind server is running and that you are connecting to the correct RPC port.\n)";
constexpr const char* bitcoind_frozen =
    R"(error: timeout on transient error: Could not connect to the server 127.0.0.1:18443 (error code 0 - \"timeout reached\")\n)";
constexpr const char* not_wanted = R"(error code: -26\nerror message:\nmin relay fee not met, 236 < 9850\n)";
constexpr const char* fee_too_high =
    R"(error code: -25\nerror message:\nFee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)\n)";
constexpr std::uint64_t most_for_a_vbyte = 10'000;  // sat
constexpr const char* inputs_gone = R"(error code: -25\nerror message:\nbad-txns-inputs-missingorspent\n)";
constexpr const char* in_a_block = R"(error code: -27\nerror message:\nTransaction outputs already in utxo set\n)";

}  // namespace

Sending::Sending(Core& core) : core_(core) {
  core.methods.add("sendpsbt", "psbt [reserve]",
                   [this](Params& params, Reply reply) { sendpsbt(params, std::move(reply)); });
  core.methods.add("setpsbtversion", "psbt version",
                   [this](Params& params, Reply reply) { setpsbtversion(params, std::move(reply)); });
  core.methods.add("getutxout", "txid vout",
                   [this](Params& params, Reply reply) { getutxout(params, std::move(reply)); });
  core.methods.add("listtransactions", "", [this](Params&, Reply reply) { listtransactions(std::move(reply)); });
}

void Sending::sendpsbt(Params& params, Reply reply) {
  const auto psbt = WalletRpc::psbt_param(params, "psbt");
  const auto reserve = params.number("reserve", default_reserve);
  if (params.error()) return reply.finish(*params.error());
  auto raw = RawPsbt::from(*psbt);
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
  core_.monitor.sending(*raw, psbt->version(), core_.asked, core_.runtime.now());
  const auto& acts = core_.setup.acts;
  const bool floor_was_told =
      core_.setup.rpc_faults.empty() &&
      std::none_of(acts.begin(), acts.end(), [](const Act& act) { return act.deed == Deed::floor; });
  if (const auto why = refusal(*raw); why && floor_was_told) {
    core_.monitor.violation(Invariant::transaction_is_right, "sent what bitcoind was known to refuse: " + *why);
  }
  store_in_channels(*psbt);
  for (Coin* coin : coins) core_.wallet.reserve(*coin, reserve);
  core_.monitor.secret(util::to_hex(raw->final_transaction()));
  broadcast({std::move(*raw), std::move(coins), reserve, std::move(reply)});
}

/// The signed PSBT goes into every channel with an equivalent one, and `withheld` goes, before
/// anything is broadcast.
void Sending::store_in_channels(const psbt::Psbt& psbt) {
  const auto txid = psbt.txid();
  const auto text = util::share(psbt.base64(2));
  for (auto& peer : core_.peers.all()) {
    for (auto& channel : peer.channels) {
      if (channel.funding.txid != txid || !core_.can_withhold()) continue;
      channel.withheld = false;
      channel.psbt = text;
    }
  }
}

Broadcast Sending::next_kind() {
  const auto attempt = attempts_++;
  const auto& first = core_.setup.broadcasts;
  return attempt < first.size() ? first[attempt] : core_.setup.broadcast;
}

void Sending::recover() {
  core_.setup.broadcasts.clear();
  core_.setup.broadcast = Broadcast::works;
  core_.setup.feerate_floor = Feerates::floor;
}

void Sending::broadcast(Attempt attempt) {
  switch (next_kind()) {
    case Broadcast::works:
      return to_bitcoind(std::move(attempt));
    case Broadcast::hangs:
      core_.after(hang_time, [this, attempt = std::move(attempt)]() mutable { to_bitcoind(std::move(attempt)); });
      return;
    case Broadcast::fails:
      return failed(std::move(attempt), bitcoind_down);
    case Broadcast::refused:
      return failed(std::move(attempt), not_wanted);
    case Broadcast::hides_success:
      to_mempool(attempt.psbt.transaction());
      return failed(std::move(attempt), inputs_gone);
    case Broadcast::never_answers:
      to_mempool(attempt.psbt.transaction());
      core_.monitor.unanswered(attempt.psbt.transaction().txid());
      return;
    case Broadcast::ghost:
      // bitcoind has the request, whatever becomes of lightningd.
      core_.runtime.start_timer(ghost_time,
                                [this, transaction = attempt.psbt.transaction()] { to_mempool(transaction); });
      core_.after(client_gives_up,
                  [this, attempt = std::move(attempt)]() mutable { failed(std::move(attempt), bitcoind_frozen); });
      return;
  }
}

/// What is in the mempool already is sent well, what is in a block is not.
void Sending::to_bitcoind(Attempt attempt) {
  const bool there = core_.chain.has(attempt.psbt.transaction().txid());
  if (const auto why = refusal(attempt.psbt); why && !there) return failed(std::move(attempt), *why);
  const auto verdict = to_mempool(attempt.psbt.transaction());
  if (verdict == Chain::Verdict::conflict) return failed(std::move(attempt), inputs_gone);
  if (verdict == Chain::Verdict::in_a_block) return failed(std::move(attempt), in_a_block);
  const std::string hex = util::to_hex(attempt.psbt.final_transaction());
  const auto txid = attempt.psbt.transaction().txid();
  record(attempt.psbt.transaction(), hex);
  auto result = json::Writer().object().field("tx", hex).field("txid", txid.hex()).end().take();
  core_.after(broadcast_time, [reply = std::move(attempt.reply), result = std::move(result)]() mutable {
    reply.succeed(std::move(result));
  });
}

void Sending::failed(Attempt attempt, const std::string& why) {
  if (why.starts_with("error code: -26") || why == fee_too_high) {
    core_.monitor.refused(attempt.psbt.transaction().txid());
  }
  // Whoever has reserved it meanwhile.
  for (Coin* coin : attempt.coins) {
    core_.wallet.unreserve(*coin, attempt.reserve);
    if (!core_.wallet.is_reserved(*coin)) coin->others_until = 0;
  }
  auto text = util::str("Error broadcasting transaction: ", why, ". Unsent tx discarded ",
                        util::to_hex(attempt.psbt.final_transaction()));
  core_.after(broadcast_time, [reply = std::move(attempt.reply), text = std::move(text)]() mutable {
    reply.fail(code::generic, std::move(text));
  });
}

/// Nothing for what spends coins of others.
std::optional<std::uint64_t> Sending::fee_of(const bitcoin::Transaction& transaction) const {
  bitcoin::Sat in, out;
  for (const auto& input : transaction.inputs) {
    const Coin* coin = core_.wallet.find(input.outpoint);
    if (coin == nullptr) return std::nullopt;
    in = in + coin->amount;
  }
  for (const auto& output : transaction.outputs) out = out + output.amount;
  return in < out ? std::nullopt : std::optional((in - out).value);
}

// As bitcoind has it: whole vbytes, and the fee rounded up.
std::optional<std::string> Sending::refusal(const RawPsbt& psbt) const {
  const auto fee = fee_of(psbt.transaction());
  if (!fee) return std::nullopt;
  const auto vbytes = (psbt.weight() + 3) / 4;
  const auto floor = (vbytes * 4 * core_.setup.feerate_floor + 999) / 1000;
  if (*fee > vbytes * most_for_a_vbyte) return fee_too_high;
  if (*fee >= floor) return std::nullopt;
  return util::str(R"(error code: -26\nerror message:\nmin relay fee not met, )", *fee, " < ", floor, R"(\n)");
}

Chain::Verdict Sending::to_mempool(const bitcoin::Transaction& transaction) {
  const auto verdict = core_.chain.submit(transaction, fee_of(transaction));
  if (verdict == Chain::Verdict::accepted) {
    sent_.push_back(transaction.txid());
    core_.monitor.accepted(transaction.txid());
  }
  return verdict;
}

/// lightningd knows the transaction from here on, and sees its change.
void Sending::record(const bitcoin::Transaction& transaction, std::string hex) {
  const auto txid = transaction.txid();
  if (!core_.known.insert(txid).second) return;
  recorded_.push_back({txid, std::move(hex), transaction});
  for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) {
    const auto& output = transaction.outputs[i];
    if (core_.wallet.owns(output.script)) core_.wallet.add_change({txid, i}, output.amount, output.script);
  }
}

void Sending::mine() {
  const auto height = ++core_.wallet.height;
  core_.monitor.mined(height, core_.runtime.now());
  for (const auto& transaction : core_.chain.mine(height)) confirmed(transaction, height);
  json::Writer block;
  block.object().field("hash", std::string(64, '0')).field("height", height);
  if (core_.running) core_.publish("block_added", block.end().take());
}

void Sending::replace_block() {
  const auto height = core_.wallet.height;
  core_.chain.unmine(height);
  for (auto& recorded : recorded_) {
    if (recorded.height == height) recorded.height = 0;
  }
  for (auto& coin : core_.wallet.coins()) {
    if (coin.height == height) coin.height.reset();
    const auto spender = core_.chain.spender(coin.outpoint);
    const bool unspent = !spender || !core_.chain.height(*spender);
    if (coin.state == Coin::State::spent && unspent) coin.state = Coin::State::reserved;
  }
  json::Writer block;
  block.object().field("hash", std::string(64, '1')).field("height", height);
  if (core_.running) core_.publish("block_added", block.end().take());
}

/// lightningd looks at every block for what pays or concerns it.
void Sending::confirmed(const bitcoin::Transaction& transaction, std::uint32_t height) {
  const auto txid = transaction.txid();
  for (const auto& input : transaction.inputs) {
    if (Coin* coin = core_.wallet.find(input.outpoint)) coin->state = Coin::State::spent;
  }
  const auto concerns = [this](const auto& output) {
    return core_.wallet.owns(output.script) || core_.monitor.was_told(output.script);
  };
  if (std::any_of(transaction.outputs.begin(), transaction.outputs.end(), concerns)) {
    const auto signed_tx = core_.users.in_block(transaction);
    record(transaction, signed_tx.empty() ? util::to_hex(transaction.serialise()) : signed_tx);
  }
  for (auto& coin : core_.wallet.coins()) {
    if (coin.outpoint.txid == txid) coin.height = height;
  }
  for (auto& recorded : recorded_) {
    if (recorded.txid == txid) recorded.height = height;
  }
}

void Sending::rebroadcast() {
  for (const auto& peer : core_.peers.all()) {
    for (const auto& channel : peer.channels) {
      if (channel.withheld || !channel.psbt || core_.chain.height(channel.funding.txid)) continue;
      const auto psbt = psbt::Psbt::from_base64(*channel.psbt);
      const auto raw = psbt ? RawPsbt::from(*psbt) : std::nullopt;
      if (raw && raw->is_signed() && !refusal(*raw)) to_mempool(raw->transaction());
    }
  }
}

void Sending::spend_for_others(const Coin& coin) {
  bitcoin::Transaction transaction;
  transaction.inputs.push_back({coin.outpoint, 0xFFFFFFFDu});
  // By the wallet's own program, which has change, or by another one with the same keys: lightningd hears of that in
  // a block, and does not record it.
  const bitcoin::Sat paid{10'000};
  const bool with_change = coin.amount.value % 2 == 0 && coin.amount > paid + paid;
  transaction.outputs.push_back({with_change ? paid : coin.amount, {0x51}});
  if (with_change) transaction.outputs.push_back({coin.amount - paid, core_.wallet.new_script(ScriptKind::p2tr)});
  (void)core_.chain.submit(transaction);
}

void Sending::setpsbtversion(Params& params, Reply reply) {
  const auto psbt = WalletRpc::psbt_param(params, "psbt");
  const auto version = params.number("version");
  if (params.error()) return reply.finish(*params.error());
  if (version != 0 && version != 2) return reply.fail(code::generic, "Could not set PSBT version");
  reply.succeed(json::Writer().object().field("psbt", psbt->base64(version)).end().take());
}

// Of bcli, which passes on what bitcoind says.
void Sending::getutxout(Params& params, Reply reply) {
  const auto txid = bitcoin::Txid::from_hex(params.text("txid"));
  const auto vout = params.number("vout");
  if (!txid) params.bad("txid", "should be a txid");
  if (params.error()) return reply.finish(*params.error());
  json::Writer writer;
  writer.object();
  const auto output = core_.chain.unspent({*txid, vout});
  output ? writer.field("amount", util::str(output->amount.value, "sat")) : writer.raw_field("amount", "null");
  output ? writer.field("script", util::to_hex(output->script)) : writer.raw_field("script", "null");
  reply.succeed(writer.end().take());
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
