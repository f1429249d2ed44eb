#include "psbt/unsigned_check.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "bitcoin/address.hpp"
#include "bitcoin/fees.hpp"
#include "bitcoin/script_ops.hpp"
#include "psbt/final_witness.hpp"
#include "util/str.hpp"

namespace psbt {

using util::Error;
using util::Result;
using util::str;

namespace op = bitcoin::op;

namespace {

/// Of a transaction that bitcoind relays: each weighs 164 without its witness (outpoint, empty script, sequence).
constexpr std::size_t most_inputs = bitcoin::max_standard_weight / 164;

/// P2PKH, P2SH or native segwit.
bool is_payable(const util::Bytes& script) {
  const bool key_hash = script.size() == 25 && script[0] == op::dup && script[1] == op::hash160 && script[2] == 20;
  const bool script_hash = script.size() == 23 && script[0] == op::hash160 && script[1] == 20;
  return key_hash || script_hash || bitcoin::is_native_segwit(script);
}

/// BIP 68. How old a coin is lightningd does not tell, so a lock that has passed looks like one that has not.
Result<void> check_sequence(const Psbt& psbt, std::size_t index, const std::string& name) {
  constexpr std::uint32_t disabled = 1u << 31, in_time = 1u << 22, amount = 0xffff;
  const auto sequence = psbt.inputs()[index].sequence;
  if ((sequence & disabled) != 0 || (sequence & amount) == 0) return {};
  const bool seconds = (sequence & in_time) != 0;
  return Error{
      -1,
      str(name, " asks to wait for ", (sequence & amount) * (seconds ? 512 : 1), seconds ? " seconds" : " blocks",
          " after its coin was confirmed (sequence ", sequence, ", BIP 68), and whether that is over cannot be seen"),
      {}};
}

Result<void> check_input(const Psbt& psbt, std::size_t index) {
  const auto name = str("input ", index, " (", psbt.inputs()[index].outpoint.str(), ")");
  const auto script = psbt.input_script(index);
  if (!psbt.input_amount(index) || !script) {
    return Error{
        -1, str(name, " does not tell what it spends: its witness UTXO is missing, or contradicts itself"), {}};
  }
  if (!bitcoin::is_native_segwit(*script)) {
    return Error{-1, str(name, " is not native segwit: its signature would change the transaction's id"), {}};
  }
  if (is_signed(psbt.input_map(index))) {
    return Error{-1, str(name, " is signed already: a signature does not cover the channels that are added"), {}};
  }
  if (!is_for_all(psbt.input_map(index), script->size() == 34 && (*script)[0] != 0)) {
    return Error{-1, str(name, " asks for a sighash type other than ALL: others could change the transaction"), {}};
  }
  return check_sequence(psbt, index, name);
}

/// lightningd makes version 2 of version 1, which is another transaction to build the channels on (v24.08 to v26.06.6,
/// libwally's psbt_v0_to_v2). bitcoind relays version 3 (v28) only while it is small and has small parents (BIP 431).
Result<void> check_version(const Psbt& psbt) {
  const auto version = psbt.transaction_version();
  if (version == 2) return {};
  return Error{-1, str("is a transaction of version ", version, ": it must be of version 2"), {}};
}

}  // namespace

Result<void> check_unsigned(const Psbt& psbt) {
  if (psbt.inputs().empty()) return Error{-1, "has no inputs to pay with", {}};
  if (psbt.inputs().size() > most_inputs) {
    return Error{-1,
                 str("has ", psbt.inputs().size(), " inputs, which weigh more than ", bitcoin::max_standard_weight,
                     ": bitcoind relays no such transaction"),
                 {}};
  }
  if (psbt.outputs().size() > 1) {
    return Error{-1, str("has ", psbt.outputs().size(), " outputs: it may have one, for the change"), {}};
  }
  if (!psbt.outputs().empty() && !is_payable(psbt.outputs()[0].script)) {
    return Error{-1, "has an output whose script is no address: its change would be lost", {}};
  }
  if (auto checked = check_version(psbt); !checked) return checked;
  if (!psbt.takes_outputs()) return Error{-1, "says that no output may be added (PSBT_GLOBAL_TX_MODIFIABLE)", {}};
  std::set<bitcoin::Outpoint> seen;
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    const auto& outpoint = psbt.inputs()[i].outpoint;
    if (!seen.insert(outpoint).second) return Error{-1, str("spends twice ", outpoint.str()), {}};
    if (auto checked = check_input(psbt, i); !checked) return checked;
  }
  return {};
}

}  // namespace psbt
