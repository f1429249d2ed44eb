#include "bitcoin/fees.hpp"

#include "bitcoin/address.hpp"

namespace bitcoin {

std::uint64_t weight_of_output(const util::Bytes& script) { return 4 * (8 + 1 + script.size()); }

Sat dust_limit(const util::Bytes& script) {
  // An input without and with a witness, whose bytes count a quarter.
  constexpr std::uint64_t plain_input = 32 + 4 + 1 + 107 + 4;
  constexpr std::uint64_t segwit_input = 32 + 4 + 1 + 107 / 4 + 4;
  constexpr std::uint64_t dust_feerate = 3;
  const auto spending = is_witness_program(script) ? segwit_input : plain_input;
  return Sat{dust_feerate * (8 + 1 + script.size() + spending)};
}

Sat fee_for(std::uint64_t weight, Perkw feerate) { return Sat{weight * feerate.value / 1000}; }

Sat whole_vbytes_fee(std::uint64_t weight, Perkw feerate) {
  const std::uint64_t vbytes = (weight + 3) / 4;
  return Sat{(vbytes * 4 * feerate.value + 999) / 1000};
}

}  // namespace bitcoin
