#include "funding/package.hpp"

#include "bitcoin/fees.hpp"
#include "funding/input_weight.hpp"

namespace funding {

using bitcoin::Perkw;
using bitcoin::Sat;

namespace {

/// bitcoind's incrementalrelayfee, one sat for a vbyte.
constexpr Perkw increment{250};

constexpr std::uint64_t vbytes_of(std::uint64_t weight) { return (weight + 3) / 4; }

}  // namespace

void Package::add(std::uint64_t weight, Sat fee_paid) {
  vbytes += vbytes_of(weight);
  fee = fee + fee_paid;
}

Perkw Package::feerate() const { return Perkw{static_cast<std::uint32_t>(fee.value * 1000 / (4 * vbytes))}; }

bool Package::pays(Perkw asked) const { return fee >= bitcoin::whole_vbytes_fee(4 * vbytes, asked); }

Sat childs_fee(const Package& ancestors, std::uint64_t weight, Perkw feerate) {
  const auto whole = bitcoin::whole_vbytes_fee(4 * (ancestors.vbytes + vbytes_of(weight)), feerate);
  return whole < ancestors.fee ? Sat{} : whole - ancestors.fee;
}

Sat fee_to_replace(Sat before, std::uint64_t weight) { return before + bitcoin::whole_vbytes_fee(weight, increment); }

std::uint64_t bump_weight(const util::Bytes& script) {
  return bare_weight + input_weight(script) + bitcoin::output_weight;
}

}  // namespace funding
