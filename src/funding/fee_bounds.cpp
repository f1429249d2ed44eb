#include "funding/fee_bounds.hpp"

#include <string>

#include "bitcoin/fees.hpp"
#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace funding {

using bitcoin::Perkw;
using bitcoin::Sat;
using util::Error;
using util::Result;
using util::str;

namespace {

/// sendrawtransaction refuses what pays more than 0.1 BTC for 1,000 vbytes; lightningd does not raise that.
constexpr Perkw bitcoind_limit{2'500'000};

/// Signatures may come out a little smaller than estimated: so much less than the limit is always below it.
constexpr Perkw safe_limit{bitcoind_limit.value / 100 * 99};

// With bitcoind's own words, which programs know.
constexpr auto too_low = "bitcoind would refuse the transaction (min relay fee not met)";
constexpr auto too_high = "bitcoind would refuse the transaction (Fee exceeds maximum configured by user)";
constexpr auto possible = "bitcoind may refuse the transaction, since signatures may come out smaller than estimated";

Error refusal(const bitcoin::Cost& cost, const std::string& what, const char* bound, Perkw perkw, Perkw ask_for) {
  json::Writer data;
  data.object().field("parameter", "feerate").field("fee_msat", to_msat(cost.fee).value).field("weight", cost.weight);
  data.field(bound, perkw.value).field("ask_for_perkw", ask_for.value).end();
  return Error{lightningd::code::invalid_params,
               str("feerate: the fee would be ", cost.fee.value, " sat for ", (cost.weight + 3) / 4, " vbytes, ", what),
               data.take()};
}

}  // namespace

Perkw FeeBounds::highest(std::uint64_t weight) const {
  if (!ancestors) return safe_limit;
  auto package = *ancestors;
  package.add(weight, bitcoin::whole_vbytes_fee(weight, safe_limit));
  return package.feerate();
}

Result<void> FeeBounds::check(const bitcoin::Cost& cost) const {
  if (floor && cost.fee < bitcoin::whole_vbytes_fee(cost.weight, *floor)) {
    const auto least = bitcoin::whole_vbytes_fee(cost.weight, *floor).value;
    return refusal(cost,
                   str("less than the ", least, " sat that the mempool's floor of ", floor->value,
                       " perkw comes to (ask for ", floor->value, "perkw or more): ", too_low),
                   "floor_perkw", *floor, *floor);
  }
  if (cost.fee > bitcoin::whole_vbytes_fee(cost.weight, safe_limit)) {
    const auto limit = bitcoin::whole_vbytes_fee(cost.weight, bitcoind_limit);
    const auto most = highest(cost.weight);
    const bool above = cost.fee > limit;
    return refusal(cost,
                   str("more than ", above ? "" : "99 % of ", "the ", limit.value,
                       " sat that bitcoind's limit of 0.1 BTC for 1,000 vbytes comes to (ask for ", most.value,
                       "perkw or less): ", above ? too_high : possible),
                   "limit_perkw", bitcoind_limit, most);
  }
  return {};
}

}  // namespace funding
