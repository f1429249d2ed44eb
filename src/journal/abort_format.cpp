#include "journal/abort_format.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "psbt/psbt.hpp"
#include "util/str.hpp"

namespace journal {

using bitcoin::Outpoint;
using bitcoin::Sat;
using util::Error;
using util::Result;
using util::str;

namespace {

Error unfit(const std::string& what) { return Error{-1, what, {}}; }

/// An input map could name another sighash type, by which lightningd would sign.
bool is_bare(psbt::Psbt psbt, const std::string& text) {
  psbt.strip();
  return psbt.base64(0) == text;
}

/// Every input of the first is one of the second, and none is there twice.
bool spends_part_of(const psbt::Psbt& psbt, const psbt::Psbt& whole) {
  std::set<Outpoint> left;
  for (const auto& input : whole.inputs()) left.insert(input.outpoint);
  const auto& inputs = psbt.inputs();
  return !inputs.empty() && std::all_of(inputs.begin(), inputs.end(),
                                        [&left](const auto& input) { return left.erase(input.outpoint) == 1; });
}

Result<std::vector<Outpoint>> read_abort_inputs(const json::Value& abort) {
  std::vector<json::Value> names;
  if (const auto single = abort.find("input")) {
    names.push_back(*single);
  } else {
    const auto list = abort.field("inputs");
    if (!list) return list.error();
    for (const auto& name : list->elements()) names.push_back(name);
  }
  std::vector<Outpoint> inputs;
  for (const auto& name : names) {
    const auto text = name.string();
    if (!text) return text.error();
    const auto outpoint = Outpoint::parse(*text);
    if (!outpoint) return unfit(str(name.path(), ": not an outpoint"));
    inputs.push_back(*outpoint);
  }
  return inputs;
}

}  // namespace

void write_abort(json::Writer& out, const ledger::AbortRecord& abort, AbortForm form) {
  out.key("abort").object().field("txid", abort.txid.hex());
  if (form == AbortForm::single) {
    out.field("input", abort.inputs[0].str());
  } else {
    out.list("inputs", abort.inputs, &Outpoint::str);
  }
  out.field("fee_sat", abort.fee.value).field("psbt", *abort.psbt).end();
}

Result<void> read_abort(const json::Value& root, ledger::Ledger& ledger) {
  const auto value = root.find("abort");
  if (!value) return {};
  const auto txid = value->string("txid");
  const auto inputs = read_abort_inputs(*value);
  const auto fee = value->u64("fee_sat");
  const auto text = value->string("psbt");
  if (!txid) return txid.error();
  if (!inputs) return inputs.error();
  if (!fee) return fee.error();
  if (!text) return text.error();
  const auto psbt = psbt::Psbt::from_base64(*text);
  const auto batch =
      ledger.plan ? psbt::Psbt::from_base64(*ledger.plan->psbt) : Result<psbt::Psbt>(unfit("no transaction"));
  const bool fits = psbt && batch && ledger.phase == ledger::BatchPhase::sending && psbt->txid().hex() == *txid &&
                    is_bare(*psbt, std::string(*text)) && psbt->outputs().size() == 1 && psbt->spends(*inputs) &&
                    spends_part_of(*psbt, *batch) && *fee <= bitcoin::max_money.value;
  if (!fits) return unfit("abort: not a transaction that spends inputs of the batch's into one output");
  ledger.abort = ledger::AbortRecord{psbt->txid(), *inputs, Sat{*fee}, util::share(std::string(*text))};
  return {};
}

}  // namespace journal
