#include "funding/funding_transaction.hpp"

#include <algorithm>
#include <numeric>

#include "bitcoin/address.hpp"
#include "bitcoin/fees.hpp"
#include "funding/input_weight.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace funding {

using bitcoin::Perkw;
using bitcoin::Sat;
using util::Error;
using util::Result;
using util::str;

namespace {

/// lightningd counts one byte for the number of inputs, whatever that is, and no change among the outputs: each
/// number may need two bytes more.
constexpr std::uint64_t longer_counters = 4 * 2 * 2;

/// Version, locktime and both counters (in bytes that weigh four), segwit marker and flag.
std::uint64_t overhead(std::size_t inputs, std::size_t outputs) {
  return 4 * (4 + 4 + psbt::compact_size_length(inputs) + psbt::compact_size_length(outputs)) + 2;
}

/// Of the scripts of coins from a peer's unilateral close: lightningd counts 4 too few for each before v25.05, and 36
/// since then. What it has counted for all inputs shows which.
std::uint64_t uncounted_scripts(const Template& proposal, const Outputs& outputs) {
  if (proposal.is_users) return 0;
  std::uint64_t needed = 0;
  bool closes = false;
  for (std::size_t i = 0; i < proposal.psbt.inputs().size(); ++i) {
    const auto script = proposal.psbt.input_script(i);
    if (!script) continue;
    needed += input_weight(*script);
    closes = closes || is_close_output(*script);
  }
  const auto counted = proposal.weight - start_weight(outputs) - (proposal.has_change ? bitcoin::output_weight : 0);
  return closes && needed > counted ? needed - counted : 0;
}

Result<Sat> sum_of_inputs(const psbt::Psbt& psbt) {
  Sat sum;
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    const auto amount = psbt.input_amount(i);
    const auto script = psbt.input_script(i);
    if (!amount || !script) return Error{-1, str("the wallet's PSBT lacks the output that input ", i, " spends"), {}};
    if (!bitcoin::is_native_segwit(*script)) {
      return Error{lightningd::code::invalid_params,
                   str("utxos: ", psbt.inputs()[i].outpoint.str(), " is not native segwit, so the transaction's id ",
                       "would change when it is signed"),
                   {}};
    }
    sum = sum + *amount;
  }
  return sum;
}

/// The fee must be what was asked for. Without change the excess that was too small for one goes to
/// the fee as well: at most the change's dust limit, its own cost, and what lightningd has counted besides. And
/// nothing pays for what lightningd has not counted; whether that is enough for bitcoind is asked elsewhere.
Result<void> check_fee(Sat fee, Sat wanted, const Template& proposal, const Outputs& outputs) {
  const auto feerate = proposal.feerate;
  const bool has_change = proposal.has_change;
  const Sat slack{wanted.value / 100 + 1};
  const Sat missing = has_change ? Sat{} : fee_for(uncounted_scripts(proposal, outputs), feerate) + Sat{1};
  const auto counted = bitcoin::output_weight + rounding_weight + longer_counters;
  const Sat dust_change = proposal.dust + fee_for(counted, feerate) + Sat{1};
  const Sat most = wanted + slack + (has_change ? Sat{} : dust_change);
  if (fee + slack + missing < wanted || fee > most) {
    return Error{-1, str("the fee would be ", fee.value, " sat instead of ", wanted.value, " sat"), {}};
  }
  return {};
}

}  // namespace

Result<void> check_inputs(const psbt::Psbt& psbt) {
  const auto sum = sum_of_inputs(psbt);
  return sum ? Result<void>() : Result<void>(sum.error());
}

std::uint64_t start_weight(const Outputs& outputs) {
  return overhead(1, outputs.count) + outputs.weight + rounding_weight + longer_counters;
}

std::uint64_t final_weight(const Template& proposal, const Outputs& outputs) {
  const std::size_t all_outputs = outputs.count + (proposal.has_change ? 1 : 0);
  return proposal.weight - rounding_weight - longer_counters + uncounted_scripts(proposal, outputs) +
         overhead(proposal.psbt.inputs().size(), all_outputs) - overhead(1, outputs.count);
}

Result<bitcoin::Cost> cost_of(const Template& proposal, Sat paid, const Outputs& outputs) {
  const psbt::Psbt& psbt = proposal.psbt;
  const auto inputs = sum_of_inputs(psbt);
  if (!inputs) return inputs.error();
  if (psbt.outputs().size() != (proposal.has_change ? 1u : 0u)) {
    return Error{-1, str("the wallet's PSBT has ", psbt.outputs().size(), " outputs"), {}};
  }

  bitcoin::Cost cost;
  cost.feerate = proposal.feerate;
  cost.weight = final_weight(proposal, outputs);
  const Sat wanted = whole_vbytes_fee(cost.weight, proposal.feerate);
  if (proposal.has_change) cost.change = psbt.outputs()[0].amount;
  if (paid + cost.change > *inputs) return Error{-1, "the outputs exceed the inputs", {}};
  cost.fee = *inputs - paid - cost.change;
  if (proposal.has_change && cost.fee != wanted) {
    const Sat left = cost.change + cost.fee;
    if (left < wanted + proposal.dust) return Error{-1, "the change cannot pay the fee", {}};
    cost.change = left - wanted;
    cost.fee = wanted;
  }
  if (auto checked = check_fee(cost.fee, wanted, proposal, outputs); !checked) return checked.error();
  return cost;
}

Template without_poor_change(Template proposal, Sat paid, const Outputs& outputs) {
  if (!proposal.has_change || proposal.psbt.outputs().size() != 1) return proposal;
  const auto inputs = sum_of_inputs(proposal.psbt);
  const Sat needed = paid + whole_vbytes_fee(final_weight(proposal, outputs), proposal.feerate) + proposal.dust;
  if (!inputs || *inputs >= needed) return proposal;
  proposal.psbt.remove_output(0);
  proposal.has_change = false;
  proposal.weight -= bitcoin::output_weight;
  return proposal;
}

Result<FundingTransaction> build(const Template& proposal, const std::vector<FundingOutput>& outputs,
                                 std::mt19937_64& random) {
  Sat paid;
  Outputs all;
  for (const auto& output : outputs) {
    paid = paid + output.amount;
    all.add(output.script);
  }
  const auto cost = cost_of(proposal, paid, all);
  if (!cost) return cost.error();

  FundingTransaction result;
  result.cost = *cost;
  psbt::Psbt psbt = proposal.psbt;
  if (proposal.has_change) psbt.set_output_amount(0, cost->change);

  // Slot i of the final order holds output order[i]; the number after the last one is the change.
  std::vector<std::size_t> order(outputs.size() + (proposal.has_change ? 1 : 0));
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), random);

  result.outnums.resize(outputs.size());
  for (std::size_t slot = 0; slot < order.size(); ++slot) {
    const auto number = static_cast<std::uint32_t>(slot);
    if (order[slot] == outputs.size()) {
      result.change_outnum = number;  // it waits at `slot` already: everything so far went in before it
      continue;
    }
    const auto& output = outputs[order[slot]];
    psbt.insert_output(slot, bitcoin::TxOutput{output.amount, output.script});
    result.outnums[order[slot]] = number;
  }
  result.txid = psbt.txid();
  if (proposal.is_users) {
    result.to_sign = util::share(psbt.base64(psbt.version()));
    psbt.keep_spent_outputs();
  }
  result.psbt = util::share(psbt.base64(0));
  psbt.strip();
  result.bare_psbt = util::share(psbt.base64(0));
  return result;
}

}  // namespace funding
