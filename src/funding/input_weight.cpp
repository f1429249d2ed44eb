#include "funding/input_weight.hpp"

namespace funding {

namespace {

/// Outpoint, sequence and the length of an empty scriptSig weigh four a byte; then comes the number of witnesses.
constexpr std::uint64_t bare_input = 4 * (32 + 4 + 4 + 1) + 1;
constexpr std::uint64_t key_spend = 1 + 64;
constexpr std::uint64_t signature = 1 + 71;
constexpr std::uint64_t key = 1 + 33;
constexpr std::uint64_t close_script = 1 + 37;   ///< of BOLT 3's `to_remote` with anchors
constexpr std::uint64_t redeem_script = 4 * 23;  ///< of P2WPKH in P2SH

}  // namespace

std::uint64_t input_weight(const util::Bytes& script) {
  if (is_close_output(script)) return bare_input + signature + close_script;
  const bool taproot = script.size() == 34 && script[0] == 0x51;
  const bool wrapped = script.size() == 23;
  return bare_input + (taproot ? key_spend : signature + key) + (wrapped ? redeem_script : 0);
}

bool is_close_output(const util::Bytes& script) { return script.size() == 34 && script[0] == 0x00; }

}  // namespace funding
