#include "psbt/spending_weight.hpp"

#include <algorithm>

#include "bitcoin/input_weight.hpp"
#include "bitcoin/script_ops.hpp"
#include "psbt/psbt_keys.hpp"
#include "util/bytes.hpp"

namespace psbt {

namespace op = bitcoin::op;
namespace weight = bitcoin::input_weight;

namespace {

constexpr std::uint64_t nothing = 1;  ///< what OP_CHECKMULTISIG takes too much
/// Of two of three keys.
constexpr std::size_t usual_script = 3 + 3 * 34;
constexpr std::uint64_t usual_signatures = 2;

/// So many signatures the script asks for, when it is OP_CHECKMULTISIG's.
std::uint64_t signatures_for(const util::Bytes& script, const PsbtMap& input) {
  const bool multisig =
      script.size() > 3 && script.back() == op::check_multisig && script[0] >= op::one && script[0] <= op::sixteen;
  if (multisig) return script[0] - op::one + 1u;
  const auto keys = std::count_if(input.entries.begin(), input.entries.end(),
                                  [](const auto& entry) { return entry.first[0] == psbt_key::in_bip32_derivation; });
  return static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(keys, 1));
}

std::uint64_t script_spend(const PsbtMap& input) {
  const auto* script = input.get({psbt_key::in_witness_script});
  const std::size_t size = script == nullptr ? usual_script : script->size();
  const auto signatures = script == nullptr ? usual_signatures : signatures_for(*script, input);
  return nothing + signatures * weight::signature + compact_size_length(size) + size;
}

}  // namespace

std::uint64_t spending_weight(const Psbt& psbt, std::size_t index) {
  const auto script = psbt.input_script(index).value_or(util::Bytes());
  if (script.size() == 22) return weight::bare + weight::signature + weight::key;
  if (script.size() == 34 && script[0] == op::one) return weight::bare + weight::key_spend;
  return weight::bare + script_spend(psbt.input_map(index));
}

}  // namespace psbt
