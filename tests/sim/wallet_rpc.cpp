#include "sim/wallet_rpc.hpp"

#include <algorithm>
#include <set>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "sim/script.hpp"
#include "sim/wallet_json.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

namespace code = lightningd::code;

constexpr std::uint32_t rbf_sequence = 0xFFFFFFFDu;

bool is_ours(const Coin* coin) { return coin != nullptr; }

std::set<bitcoin::Outpoint> outpoints_of(const std::vector<Coin*>& coins) {
  std::set<bitcoin::Outpoint> outpoints;
  for (const Coin* coin : coins) outpoints.insert(coin->outpoint);
  return outpoints;
}

}  // namespace

WalletRpc::WalletRpc(Core& core, const Feerates& feerates) : core_(core), feerates_(feerates) {
  core.methods.add("fundpsbt",
                   "satoshi feerate startweight [minconf] [reserve] [locktime] [min_witness_weight] "
                   "[excess_as_change] [nonwrapped] [opening_anchor_channel]",
                   [this](Params& params, Reply reply) { fundpsbt(params, std::move(reply)); });
  core.methods.add("utxopsbt",
                   "satoshi feerate startweight utxos [reserve] [reservedok] [locktime] [min_witness_weight] "
                   "[excess_as_change] [opening_anchor_channel]",
                   [this](Params& params, Reply reply) { utxopsbt(params, std::move(reply)); });
  core.methods.add("reserveinputs", "psbt [exclusive] [reserve]",
                   [this](Params& params, Reply reply) { reserveinputs(params, std::move(reply)); });
  core.methods.add("unreserveinputs", "psbt [reserve]",
                   [this](Params& params, Reply reply) { unreserveinputs(params, std::move(reply)); });
  core.methods.add("signpsbt", "psbt [signonly]",
                   [this](Params& params, Reply reply) { signpsbt(params, std::move(reply)); });
  core.methods.add("listfunds", "[spent]",
                   [this](Params& params, Reply reply) { listfunds(params, std::move(reply)); });
  core.methods.add("newaddr", "[addresstype]",
                   [this](Params& params, Reply reply) { newaddr(params, std::move(reply)); });
  if (core.setup.version < "v24.11") return;
  core.methods.add("listaddresses", "[address] [start] [limit]",
                   [this](Params& params, Reply reply) { listaddresses(params, std::move(reply)); });
}

std::optional<psbt::Psbt> WalletRpc::psbt_param(Params& params, std::string_view name) {
  auto psbt = psbt::Psbt::from_base64(params.text(name));
  if (psbt) return std::move(*psbt);
  params.bad(name, util::str("Expected a PSBT (", psbt.error().message, ")"));
  return std::nullopt;
}

std::vector<Coin*> WalletRpc::inputs_of(Wallet& wallet, const psbt::Psbt& psbt) {
  std::vector<Coin*> coins;
  for (const auto& input : psbt.inputs()) coins.push_back(wallet.find(input.outpoint));
  return coins;
}

util::Result<FundRequest> WalletRpc::read_request(Params& params) const {
  FundRequest request;
  const auto amount = params.sat_or_all("satoshi");
  request.all = !amount;
  request.amount = amount.value_or(bitcoin::Sat{0});
  request.weight = params.number("startweight");
  request.excess_as_change = params.flag("excess_as_change", false);
  request.reserve = params.number("reserve", default_reserve);
  request.locktime = params.number("locktime", core_.wallet.height);
  request.keep_emergency = params.flag("opening_anchor_channel", false) || core_.peers.have_anchor_channel();
  if (params.error()) return *params.error();
  const auto feerate = feerates_.parse(params.text("feerate"));
  if (!feerate) return feerate.error();
  request.feerate = *feerate;
  return request;
}

void WalletRpc::fundpsbt(Params& params, Reply reply) {
  auto request = read_request(params);
  if (!request) return reply.finish(request.error());
  request->minconf = params.number("minconf", 1);
  request->nonwrapped = params.flag("nonwrapped", false);
  const auto found = CoinSelection(core_.wallet, core_.random, core_.setup.emergency).choose(*request);
  if (!found) return reply.finish(found.error());
  Monitor::Choice choice{outpoints_of(found->coins), {}, found->change};
  for (const Coin* coin : found->coins) {
    const bool loss = CoinSelection::fee(request->feerate, CoinSelection::input_weight(*coin)) >= coin->amount;
    core_.monitor.at_a_loss(coin->outpoint, loss);
    if (!loss) choice.worthy.insert(coin->outpoint);
  }
  if (choice.worthy.size() == found->coins.size()) choice.worthy.clear();
  core_.monitor.chosen(core_.asked, std::move(choice));
  reply.finish(fund(*request, *found));
}

void WalletRpc::utxopsbt(Params& params, Reply reply) {
  const auto request = read_request(params);
  if (!request) return reply.finish(request.error());
  auto coins = read_utxos(params);
  if (!coins) return reply.finish(coins.error());
  const auto found = CoinSelection(core_.wallet, core_.random, core_.setup.emergency).use(*request, std::move(*coins));
  if (!found) return reply.finish(found.error());
  for (const Coin* coin : found->coins) {
    if (!params.flag("reservedok", false)) core_.monitor.at_a_loss(coin->outpoint, false);
  }
  if (params.text("satoshi") == "all") {
    core_.monitor.proposed_again(core_.asked, outpoints_of(found->coins), found->change);
  }
  reply.finish(fund(*request, *found));
}

util::Result<std::vector<Coin*>> WalletRpc::read_utxos(Params& params) {
  const bool reserved_ok = params.flag("reservedok", false);
  std::vector<Coin*> coins;
  for (const auto& element : params.find("utxos")->elements()) {
    const std::string text = token_text(element);
    const auto outpoint = bitcoin::Outpoint::parse(text);
    Coin* coin = outpoint ? core_.wallet.find(*outpoint) : nullptr;
    const auto bad = [&text](const char* before, const char* after) {
      return util::Error{code::invalid_params, util::str(before, text, after), ""};
    };
    if (!outpoint)
      return bad("Could not decode the outpoint from \"", "\" The utxos should be specified as 'txid:output_index'.");
    if (coin == nullptr) return bad("Unknown UTXO ", "");
    if (coin->state == Coin::State::spent) return bad("Already spent UTXO ", "");
    if (!reserved_ok && core_.wallet.is_reserved(*coin)) return bad("UTXO ", " already reserved");
    coins.push_back(coin);
  }
  if (coins.empty()) {
    return util::Error{
        code::invalid_params,
        util::str("Please specify an array of 'txid:output_index', not \"", params.find("utxos")->dump(), "\""), ""};
  }
  return coins;
}

/// The reply of fundpsbt and utxopsbt; reserves what it names.
std::string WalletRpc::fund(const FundRequest& request, const Selection& found) {
  bitcoin::Transaction transaction;
  transaction.locktime = request.locktime;
  for (const Coin* coin : found.coins) {
    transaction.inputs.push_back({coin->outpoint, rbf_sequence});
    core_.monitor.funding(*coin, request.feerate);
  }
  const bool change = found.change.value > 0;
  if (change) transaction.outputs.push_back({found.change, core_.wallet.new_script(ScriptKind::p2tr)});
  if (change) core_.monitor.planned(transaction.outputs[0].script, request.feerate);
  RawPsbt psbt(std::move(transaction));
  for (std::size_t i = 0; i < found.coins.size(); ++i) psbt.describe(i, *found.coins[i]);

  json::Writer writer;
  writer.object().field("psbt", psbt.base64()).field("feerate_per_kw", request.feerate);
  writer.field("estimated_final_weight", found.weight + (change ? CoinSelection::change_output_weight : 0));
  writer.field("excess_msat", found.excess.value * 1000);
  if (change) writer.field("change_outnum", 0);
  if (request.reserve > 0) write_reserved(writer, core_, found.coins, request.reserve);
  return writer.end().take();
}

void WalletRpc::reserveinputs(Params& params, Reply reply) {
  const auto psbt = psbt_param(params, "psbt");
  const bool exclusive = params.flag("exclusive", true);
  const auto blocks = params.number("reserve", default_reserve);
  if (params.error()) return reply.finish(*params.error());
  auto coins = inputs_of(core_.wallet, *psbt);
  std::erase(coins, nullptr);
  for (const Coin* coin : coins) {
    const bool taken = exclusive && core_.wallet.is_reserved(*coin);
    if (taken) return reply.fail(code::invalid_params, util::str(coin->outpoint.str(), " already reserved"));
    if (coin->state == Coin::State::spent) {
      return reply.fail(code::invalid_params, util::str(coin->outpoint.str(), " already spent"));
    }
  }
  // What another user has freed while this was held up: nobody can tell any more whose the new reservation is.
  for (Coin* coin : coins) {
    if (!exclusive && !core_.wallet.is_reserved(*coin) && coin->meddled) coin->unforeseen = true;
  }
  json::Writer writer;
  writer.object();
  write_reserved(writer, core_, coins, blocks);
  reply.succeed(writer.end().take());
}

void WalletRpc::unreserveinputs(Params& params, Reply reply) {
  const auto psbt = psbt_param(params, "psbt");
  const auto blocks = params.number("reserve", default_reserve);
  if (params.error()) return reply.finish(*params.error());
  json::Writer writer;
  writer.object().key("reservations").array();
  for (Coin* coin : inputs_of(core_.wallet, *psbt)) {
    if (coin == nullptr || coin->state != Coin::State::reserved) continue;
    const bool before = core_.wallet.is_reserved(*coin);
    core_.wallet.unreserve(*coin, blocks);
    core_.monitor.unreserved(*coin, core_.asked, core_.runtime.now());
    if (!core_.wallet.is_reserved(*coin)) coin->others_until = 0;  // lost, rightly or not; that was judged just now
    // Freed by another user while this was held up, and reserved by another batch of the plugin's since.
    if (core_.wallet.is_reserved(*coin)) coin->unforeseen = coin->meddled;
    write_reservation(writer, core_.wallet, *coin, before);
  }
  reply.succeed(writer.end().end().take());
}

void WalletRpc::signpsbt(Params& params, Reply reply) {
  const auto psbt = psbt_param(params, "psbt");
  if (params.error()) return reply.finish(*params.error());
  auto raw = RawPsbt::from(*psbt);
  if (!raw) return reply.fail(code::generic, "Could not set PSBT version");
  auto coins = inputs_of(core_.wallet, *psbt);
  if (const auto only = params.find("signonly")) {
    std::vector<Coin*> chosen(coins.size());
    for (const auto& element : only->elements()) {
      const auto index = parse_number(token_text(element));
      if (!index || *index >= coins.size()) {
        return reply.fail(code::invalid_params, util::str("signonly: ", element.dump(), " out of range"));
      }
      if (coins[*index] == nullptr)
        return reply.fail(code::generic, "Aborting PSBT signing. UTXO is unknown (and specified by signonly)");
      chosen[*index] = coins[*index];
    }
    coins = std::move(chosen);
  }
  for (const Coin* coin : coins) {
    if (coin == nullptr || core_.wallet.is_reserved(*coin)) continue;
    return reply.fail(code::generic,
                      util::str("Aborting PSBT signing. UTXO ", coin->outpoint.str(), " is not reserved"));
  }
  if (std::none_of(coins.begin(), coins.end(), is_ours)) {
    return reply.fail(code::generic,
                      "No wallet inputs to sign. Are you sure you added inputs to this PSBT? If not, "
                      "then there is no need to sign it.");
  }
  core_.monitor.signing(*raw, core_.asked, core_.runtime.now());
  reply.succeed(sign(*psbt, std::move(*raw), coins));
}

std::string WalletRpc::sign(const psbt::Psbt& psbt, RawPsbt raw, const std::vector<Coin*>& coins) {
  for (std::size_t i = 0; i < coins.size(); ++i) {
    if (coins[i] != nullptr) raw.sign(i, *coins[i], core_.random);
  }
  if (std::all_of(coins.begin(), coins.end(), is_ours)) core_.monitor.secret(util::to_hex(raw.final_transaction()));
  std::string text = raw.base64();
  if (psbt.version() != 0) {
    const auto again = psbt::Psbt::from_base64(text);
    if (!again)
      core_.monitor.violation(Invariant::never_crashes,
                              util::str("the codec cannot read a signed PSBT: ", again.error().message));
    if (again) text = again->base64(psbt.version());
  }
  core_.monitor.secret(text);
  return json::Writer().object().field("signed_psbt", text).end().take();
}

void WalletRpc::listfunds(Params& params, Reply reply) {
  const bool spent = params.flag("spent", false);
  if (params.error()) return reply.finish(*params.error());
  core_.monitor.looked_at_coins(core_.asked.origin, core_.runtime.now());
  json::Writer writer;
  writer.object().key("outputs").array();
  for (const Coin& coin : core_.wallet.coins()) {
    if (spent || coin.state != Coin::State::spent) write_coin(writer, core_.wallet, coin);
  }
  reply.succeed(writer.end().key("channels").array().end().end().take());
}

void WalletRpc::listaddresses(Params& params, Reply reply) {
  const auto wanted = params.text("address");
  if (params.error()) return reply.finish(*params.error());
  json::Writer writer;
  writer.object().key("addresses").array();
  std::uint64_t index = 0;
  for (const auto& script : core_.wallet.scripts()) {
    ++index;
    const auto address = segwit_address(script);
    if (is_p2sh(script) || (!wanted.empty() && address != wanted)) continue;
    writer.object().field("keyidx", index).field(is_p2tr(script) ? "p2tr" : "bech32", address).end();
  }
  reply.succeed(writer.end().end().take());
}

void WalletRpc::newaddr(Params& params, Reply reply) {
  const std::string type = params.text("addresstype", "bech32");
  if (type != "bech32" && type != "p2tr" && type != "all") {
    params.bad("addresstype", "should be 'bech32', 'p2tr', or 'all'");
    return reply.finish(*params.error());
  }
  json::Writer writer;
  writer.object();
  if (type != "p2tr") writer.field("bech32", segwit_address(core_.wallet.new_script(ScriptKind::p2wpkh)));
  if (type != "bech32") writer.field("p2tr", segwit_address(core_.wallet.new_script(ScriptKind::p2tr)));
  reply.succeed(writer.end().take());
}

}  // namespace sim
