#include "funding/economy.hpp"

#include "bitcoin/fees.hpp"
#include "funding/input_weight.hpp"

namespace funding {

bool is_uneconomical(bitcoin::Sat amount, const util::Bytes& script, bitcoin::Perkw feerate) {
  return amount <= bitcoin::fee_for(input_weight(script), feerate);
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
