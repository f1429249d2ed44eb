#include "sim/txprepare.hpp"

#include <optional>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "params/amount.hpp"
#include "request/request.hpp"
#include "sim/coin_selection.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

namespace code = lightningd::code;
using bitcoin::Sat;

/// lightningd's weight of a transaction without inputs, and of an output with a script of 34 bytes.
constexpr std::uint64_t core_weight = 42;
constexpr std::uint64_t output_weight = (8 + 1 + 34) * 4;

struct Output {
  std::string address;
  std::optional<Sat> amount;  ///< nothing: all
};

std::vector<Output> read_outputs(Params& params) {
  std::vector<Output> outputs;
  bool all = false;
  for (const auto& element : params.find("outputs")->elements()) {
    const auto members = element.members();
    if (members.size() != 1) {
      params.bad("outputs", "The output format must be {destination: amount}");
      return {};
    }
    const auto& [address, value] = members.front();
    Output output{std::string(address), std::nullopt};
    if (token_text(value) == "all") {
      if (std::exchange(all, true)) params.bad("outputs", "Cannot use 'all' in two outputs");
    } else if (const auto amount = params::parse_sat(value)) {
      output.amount = *amount;
    } else {
      params.bad("outputs", "is a invalid satoshi amount");
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

/// What fundpsbt or utxopsbt is asked for.
std::string fund_params(Params& params, const std::vector<Output>& outputs) {
  Sat total;
  bool all = false;
  for (const auto& output : outputs) {
    total = total + output.amount.value_or(Sat{});
    all = all || !output.amount;
  }
  json::Writer writer;
  writer.object().field("satoshi", all ? "all" : util::str(total.value, "sat"));
  writer.field("feerate", params.text("feerate", "opening"));
  writer.field("startweight", core_weight + output_weight * outputs.size()).field("excess_as_change", true);
  if (const auto utxos = params.find("utxos")) {
    writer.raw_field("utxos", utxos->dump()).field("reservedok", false);
  } else {
    writer.field("minconf", params.number("minconf", 1));
  }
  return writer.end().take();
}

}  // namespace

Txprepare::Txprepare(Core& core) : core_(core) {
  core.methods.add("txprepare", "outputs [feerate] [minconf] [utxos]",
                   [this](Params& params, Reply reply) { txprepare(params, std::move(reply)); });
  core.methods.add("txdiscard", "txid", [this](Params& params, Reply reply) { txdiscard(params, std::move(reply)); });
  core.methods.add("txsend", "txid", [this](Params&, Reply reply) { txsend(std::move(reply)); });
}

void Txprepare::txprepare(Params& params, Reply reply) {
  const auto outputs = read_outputs(params);
  const auto text = fund_params(params, outputs);
  if (params.error()) return reply.finish(*params.error());
  const auto document = json::Document::parse(text, "params");
  std::optional<util::Result<std::string>> answer;
  core_.methods.call(params.find("utxos") ? "utxopsbt" : "fundpsbt", document->root(), Filter(),
                     Reply([&answer](util::Result<std::string> result) { answer.emplace(std::move(result)); }));
  if (!*answer) return reply.finish(answer->error());
  const auto result = json::Document::parse(**answer, "result");
  note_unforeseen(*psbt::Psbt::from_base64(*result->root().string("psbt")));
  funded(params, result->root(), std::move(reply));
}

// Two blocks between the plugin's look at the height and this: docs/options.md says what is left then, if the answer is
// lost.
void Txprepare::note_unforeseen(const psbt::Psbt& psbt) {
  if (core_.wallet.height <= core_.told_height + 1) return;
  for (const auto& input : psbt.inputs()) core_.wallet.find(input.outpoint)->unforeseen = true;
}

// As in lightningd, an `all` that cannot be paid leaves the reservation behind.
void Txprepare::funded(Params& params, const json::Value& funded, Reply reply) {
  auto psbt = *psbt::Psbt::from_base64(*funded.string("psbt"));
  auto outputs = read_outputs(params);
  Sat excess{*funded.u64("excess_msat") / 1000};
  Output* all = nullptr;
  for (auto& output : outputs) {
    if (!output.amount) all = &output;
  }
  for (std::size_t i = 0; all != nullptr && i < outputs.size(); ++i) {
    if (!outputs[i].amount) continue;
    if (*outputs[i].amount > excess) return reply.fail(code::cannot_afford, util::str("Could not afford output ", i));
    excess = excess - *outputs[i].amount;
  }
  if (all != nullptr && excess < CoinSelection::dust) {
    return reply.fail(code::cannot_afford, util::str("Could not afford 'all' output: only ", excess.value, "sat left"));
  }
  if (all != nullptr) all->amount = excess;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    // The address stands for its script here, and is as long.
    util::Bytes script(34, 0);
    for (std::size_t j = 0; j < outputs[i].address.size(); ++j) {
      script[j % script.size()] ^= static_cast<std::uint8_t>(outputs[i].address[j]);
    }
    psbt.insert_output(i, {*outputs[i].amount, std::move(script)});
  }
  const auto txid = psbt.txid().hex();
  json::Writer writer;
  writer.object().field("unsigned_tx", util::to_hex(psbt.unsigned_transaction())).field("txid", txid);
  writer.field("psbt", psbt.base64(2)).end();
  unreleased_.insert_or_assign(txid, std::move(psbt));
  reply.succeed(writer.take());
}

void Txprepare::txdiscard(Params& params, Reply reply) {
  const auto found = unreleased_.find(params.text("txid"));
  if (found == unreleased_.end()) {
    params.bad("txid", "not an unreleased txid");
    return reply.finish(*params.error());
  }
  const auto psbt = std::move(unreleased_.extract(found).mapped());
  const auto text = json::Writer().object().field("psbt", psbt.base64(2)).end().take();
  const auto document = json::Document::parse(text, "params");
  core_.methods.call("unreserveinputs", document->root(), Filter(), Reply([](const util::Result<std::string>&) {}));
  json::Writer writer;
  writer.object().field("unsigned_tx", util::to_hex(psbt.unsigned_transaction()));
  reply.succeed(writer.field("txid", psbt.txid().hex()).end().take());
}

// Nobody may ever do that.
void Txprepare::txsend(Reply reply) {
  core_.monitor.violation(Invariant::secured_before_signing, "txsend of placeholders");
  reply.fail(code::generic, "txsend is not simulated");
}

}  // namespace sim
