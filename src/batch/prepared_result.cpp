#include "batch/prepared_result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "bitcoin/address.hpp"
#include "json/writer.hpp"
#include "ledger/told_in_vain.hpp"
#include "psbt/psbt.hpp"
#include "sending/result.hpp"
#include "util/bytes.hpp"
#include "util/str.hpp"

namespace batch {

namespace {

struct Output {
  std::string address;  ///< its script in hex, where that has none
  bitcoin::Sat amount;
  std::string label;
};

/// As wallets read it: whole bitcoin, a dot, eight digits.
std::string in_btc(bitcoin::Sat amount) {
  constexpr std::uint64_t per_btc = 100'000'000;
  const auto rest = std::to_string(amount.value % per_btc);
  return util::str(amount.value / per_btc, ".", std::string(8 - rest.size(), '0'), rest);
}

/// A field of RFC 4180. What begins like a formula gets an apostrophe in front, so that a spreadsheet shows it and does
/// not work it out.
std::string in_csv(const std::string& text) {
  constexpr std::string_view formula = "=+-@\t\r";
  const bool computes = !text.empty() && formula.find(text[0]) != std::string_view::npos;
  if (!computes && text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = computes ? "\"'" : "\"";
  for (const char letter : text) field += letter == '"' ? "\"\"" : std::string(1, letter);
  return field + '"';
}

/// What is in bech32 may be typed in capitals.
bool is_same(const std::string& address, const std::string& typed) {
  const auto read = bitcoin::parse_address(address), other = bitcoin::parse_address(typed);
  return read && other && read->script == other->script;
}

std::vector<Output> outputs_of(const PreparedBatch& batch) {
  std::vector<Output> outputs;
  const auto psbt = psbt::Psbt::from_base64(*batch.funding.transaction().bare_psbt);
  if (!psbt) return outputs;
  for (const auto& output : psbt->outputs()) {
    const auto address = bitcoin::address_of(output.script, batch.network);
    outputs.push_back({address.value_or(util::to_hex(output.script)), output.amount, "change"});
    if (address && is_same(*address, batch.change_address)) outputs.back().address = batch.change_address;
  }
  for (const auto& payment : batch.ledger.plan->payments) {
    auto& output = outputs[*payment.outnum];
    output.address = payment.address;
    output.label = payment.label.empty() ? "payment" : payment.label;
  }
  for (std::size_t i = 0; i < batch.funding.peers().size(); ++i) {
    outputs[batch.funding.transaction().outnums[i]].label =
        "channel with " + batch.funding.peers()[i]->destination().id.hex();
  }
  return outputs;
}

}  // namespace

std::string prepared_json(const PreparedBatch& batch) {
  json::Writer out;
  out.object();
  if (batch.details == nullptr) out.field("batch", batch.ledger.id);
  if (batch.funding.transaction().to_sign) out.field("psbt", *batch.funding.transaction().to_sign);
  out.field("txid", batch.funding.transaction().txid.hex());
  const auto& payments = batch.ledger.plan->payments;
  sending::write_peers(out, batch.funding.transaction(), {batch.funding.peers(), batch.failed, payments},
                       batch.details);
  report::write_outputs(out, payments);
  std::string csv = "address,amount,label\n";
  out.key("all_outputs").array();
  std::uint32_t outnum = 0;
  for (const auto& output : outputs_of(batch)) {
    out.object().field("outnum", outnum++).field("address", output.address);
    out.field("amount_msat", bitcoin::to_msat(output.amount).value).field("label", output.label).end();
    csv += util::str(output.address, ",", in_btc(output.amount), ",", in_csv(output.label), "\n");
  }
  out.end().field("csv", csv);
  const auto since = batch.ledger.plan->waits_since;
  if (since > 0) out.field("deadline_block", since + ledger::ToldInVain::kept_for);
  batch.details != nullptr ? batch.details->write_batch(out, batch.funding.transaction())
                           : report::write_cost(out, batch.funding.transaction().cost);
  return out.end().take();
}

}  // namespace batch
