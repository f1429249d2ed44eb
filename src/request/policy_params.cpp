#include "request/policy_params.hpp"

#include <limits>

#include "params/amount.hpp"
#include "request/request.hpp"
#include "util/str.hpp"

namespace request {

using params::Params;
using params::parse_msat;
using params::parse_u32;
using params::wrong;

namespace {

/// lightningd has 32 bits for it.
util::Result<bitcoin::Msat> parse_feebase(const json::Value& value) {
  constexpr auto most = std::numeric_limits<std::uint32_t>::max();
  const auto base = parse_msat(value);
  if (base && base->value > most) return wrong(value, util::str("is more than ", most, "msat"));
  return base;
}

}  // namespace

std::optional<lightningd::ChannelPolicy> parse_policy(Params& params, bitcoin::Sat amount) {
  lightningd::ChannelPolicy policy;
  policy.feebase = params.optional("feebase", parse_feebase);
  policy.feeppm = params.optional("feeppm", parse_u32);
  policy.htlcmin = params.optional("htlcmin", parse_msat);
  policy.htlcmax = params.optional("htlcmax", parse_msat);
  if (policy.htlcmin && policy.htlcmax && *policy.htlcmin > *policy.htlcmax) {
    params.fail(wrong(*params.find("htlcmin"), util::str("is more than htlcmax, ", policy.htlcmax->value, "msat")));
  }
  if (policy.htlcmax && amount.value > 0 && *policy.htlcmax > to_msat(amount)) {
    params.fail(wrong(*params.find("htlcmax"), util::str("is more than the amount of ", amount.value, "sat")));
  }
  if (policy == lightningd::ChannelPolicy()) return std::nullopt;
  return policy;
}

}  // namespace request
