#include "bitcoin/fees.hpp"


namespace bitcoin {

Sat fee_for(std::uint64_t weight, Perkw feerate) { return Sat{weight * feerate.value / 1000}; }

Sat whole_vbytes_fee(std::uint64_t weight, Perkw feerate) {
  const std::uint64_t vbytes = (weight + 3) / 4;
  return Sat{(vbytes * 4 * feerate.value + 999) / 1000};
}

}  // namespace bitcoin
