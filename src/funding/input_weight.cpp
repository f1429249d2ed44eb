#include "funding/input_weight.hpp"

#include "bitcoin/input_weight.hpp"
#include "bitcoin/script_ops.hpp"

namespace funding {

namespace weight = bitcoin::input_weight;

namespace {

constexpr std::uint64_t close_script = 1 + 37;   ///< of BOLT 3's `to_remote` with anchors
constexpr std::uint64_t redeem_script = 4 * 23;  ///< of P2WPKH in P2SH

}  // namespace

std::uint64_t input_weight(const util::Bytes& script) {
  if (is_close_output(script)) return weight::bare + weight::short_signature + close_script;
  const bool taproot = script.size() == 34 && script[0] == bitcoin::op::one;
  const bool wrapped = script.size() == 23;
  return weight::bare + (taproot ? weight::key_spend : weight::short_signature + weight::key) +
         (wrapped ? redeem_script : 0);
}

bool is_close_output(const util::Bytes& script) { return script.size() == 34 && script[0] == bitcoin::op::zero; }

}  // namespace funding
