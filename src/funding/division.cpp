#include "funding/division.hpp"

#include "bitcoin/fees.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace funding {

using bitcoin::Sat;
using util::Error;
using util::Result;
using util::str;

namespace {

Error too_little(Sat after_fee, Sat fixed, const std::vector<request::Claim>& claims) {
  const bool all = claims.size() == 1 && claims[0].share.is_all();
  return Error{lightningd::code::invalid_params,
               str("Insufficient funds for ", all ? "`all` output" : "the shares", ": ", after_fee.value,
                   " sat are there after the fee, ", fixed.value, " sat go to the other destinations"),
               {}};
}

Error nothing_to_share(Sat keep_change, Sat inputs, Sat fee) {
  return Error{lightningd::code::cannot_afford,
               str("keep_change: the coins are ", inputs.value, " sat together; ", keep_change.value,
                   " sat of change and a fee of ", fee.value, " sat leave nothing to share"),
               {}};
}

/// In lightningd's words, which programs look for.
Error reserve_broken(Sat least_change) {
  return Error{lightningd::code::emergency_reserve,
               str("We would not have enough left for min-emergency-msat: ", least_change.value,
                   "sat have to stay of the coins that are worth their fee"),
               {}};
}

Sat sum_of_inputs(const Template& offer) {
  Sat sum;
  for (std::size_t i = 0; i < offer.psbt.inputs().size(); ++i) {
    sum = sum + offer.psbt.input_amount(i).value_or(Sat{});
  }
  return sum;
}

/// What can be paid, and the fee with it.
Sat before_fee(const Template& offer, Sat least_change) {
  // lightningd has subtracted the fee for its own estimate of the weight.
  if (least_change.value == 0) return offer.excess + bitcoin::fee_for(offer.weight, offer.feerate);
  const Sat sum = sum_of_inputs(offer);
  return sum > least_change ? sum - least_change : Sat{};
}

/// What a change output would add to the fee; it counts among the outputs, too.
Sat cost_of_change(const Template& offer, const Outputs& outputs) {
  Template with_change = offer;
  with_change.has_change = true;
  with_change.weight += bitcoin::output_weight;
  return bitcoin::whole_vbytes_fee(final_weight(with_change, outputs), offer.feerate) -
         bitcoin::whole_vbytes_fee(final_weight(offer, outputs), offer.feerate);
}

Result<Division> divide_exactly(Sat left, const std::vector<request::Claim>& claims) {
  const auto amounts = request::split(left, claims);
  Division division;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const auto& claim = claims[i];
    if (amounts[i] < bitcoin::channel_dust) {
      return Error{
          lightningd::code::invalid_params,
          str("Insufficient funds for ", claim.name(), ": the share ", claim.share.text, " would be ", amounts[i].value,
              " sat, and a ", claim.payment ? "share" : "channel", " must have ", bitcoin::channel_dust.value),
          {}};
    }
    division.amounts[claim.payee] = amounts[i];
    division.sum = division.sum + amounts[i];
  }
  division.rest = left - division.sum;
  return division;
}

}  // namespace

Result<Division> divide(const Template& offer, Sat fixed, const Outputs& outputs,
                        const std::vector<request::Claim>& claims, Sat least_change, Sat keep_change) {
  const Sat all = before_fee(offer, least_change);
  const Sat fee = bitcoin::whole_vbytes_fee(final_weight(offer, outputs), offer.feerate);
  const bool nothing_beside = all < fee + bitcoin::channel_dust || !offer.has_change;
  if (least_change.value > 0 && nothing_beside) {
    return keep_change == least_change ? nothing_to_share(keep_change, sum_of_inputs(offer), fee)
                                       : reserve_broken(least_change);
  }
  if (all < fixed + fee + bitcoin::channel_dust) {
    return too_little(least_change.value > 0 ? all - fee : offer.excess, fixed, claims);
  }
  const Sat left = all - fixed - fee;
  auto division = divide_exactly(left, claims);
  if (!division || offer.has_change) return division;
  const Sat change = cost_of_change(offer, outputs);
  if (division->rest < change + bitcoin::change_dust) return division;
  division = divide_exactly(left - change, claims);
  if (division) division->needs_change = true;
  return division;
}

}  // namespace funding
