#include "funding/economy.hpp"

namespace funding {

namespace {

/// Outpoint, sequence and the length of an empty scriptSig weigh four a byte; then comes the number of witnesses.
constexpr std::uint64_t bare_input = 4 * (32 + 4 + 4 + 1) + 1;
constexpr std::uint64_t key_spend = 1 + 64;
constexpr std::uint64_t signature_and_key = 1 + 71 + 1 + 33;
constexpr std::uint64_t redeem_script = 4 * 23;  ///< of P2WPKH in P2SH

}  // namespace

// The output of a peer's close (P2WSH) counts like P2WPKH here: lightningd's number leaves out its script.
std::uint64_t input_weight(const util::Bytes& script) {
  const bool taproot = script.size() == 34 && script[0] == 0x51;
  const bool wrapped = script.size() == 23;
  return bare_input + (taproot ? key_spend : signature_and_key) + (wrapped ? redeem_script : 0);
}

bool is_uneconomical(lightningd::Sat amount, const util::Bytes& script, lightningd::Perkw feerate) {
  return amount <= fee_for(input_weight(script), feerate);
}

std::vector<Coin> uneconomical_inputs(const Template& proposal) {
  std::vector<Coin> found;
  const auto& psbt = proposal.psbt;
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    const auto amount = psbt.input_amount(i);
    const auto script = psbt.input_script(i);
    if (!amount || !script || !is_uneconomical(*amount, *script, proposal.feerate)) continue;
    found.push_back({psbt.inputs()[i].outpoint, *amount});
  }
  if (found.size() == psbt.inputs().size()) found.clear();
  return found;
}

}  // namespace funding
