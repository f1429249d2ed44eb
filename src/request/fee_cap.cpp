#include "request/fee_cap.hpp"

#include <charconv>
#include <string>
#include <string_view>

#include "bitcoin/fees.hpp"
#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "params/params.hpp"
#include "util/str.hpp"

namespace request {

using bitcoin::Perkw;
using bitcoin::Sat;
using params::token_text;
using params::wrong;
using util::Error;
using util::Result;
using util::str;

namespace {

constexpr std::size_t unit_length = 5;

Error above(const char* parameter, const std::string& message, json::Writer& data) {
  return Error{lightningd::code::invalid_params, str(parameter, ": ", message),
               data.field("parameter", parameter).end().take()};
}

/// Rounded up, so that a cap is never met by rounding.
std::uint64_t perkw_of(const bitcoin::Cost& cost) { return (cost.fee.value * 1000 + cost.weight - 1) / cost.weight; }

/// What comes of whole vbytes alone is within the cap: the feerate asked for may be the cap.
bool is_above(const bitcoin::Cost& cost, Perkw cap) {
  const bool rounding_only = cost.feerate <= cap && cost.fee <= bitcoin::whole_vbytes_fee(cost.weight, cost.feerate);
  return !rounding_only && cost.fee.value * 1000 > cost.weight * cap.value;
}

}  // namespace

Result<void> FeeCap::check(const bitcoin::Cost& cost) const {
  if (fee && cost.fee > *fee) {
    json::Writer data;
    data.object().field("fee_msat", to_msat(cost.fee).value).field("max_fee_msat", to_msat(*fee).value);
    return above("max_fee", str("the fee would be ", cost.fee.value, " sat, more than ", fee->value, " sat"), data);
  }
  if (feerate && is_above(cost, *feerate)) {
    json::Writer data;
    data.object().field("fee_msat", to_msat(cost.fee).value).field("weight", cost.weight);
    data.field("feerate_perkw", perkw_of(cost)).field("max_feerate_perkw", feerate->value);
    return above("max_feerate",
                 str("the feerate would be ", perkw_of(cost), " perkw (", cost.fee.value, " sat for a weight of ",
                     cost.weight, "), more than ", feerate->value, " perkw"),
                 data);
  }
  return {};
}

Result<Perkw> parse_perkw(const json::Value& value) {
  const std::string text = token_text(value).value_or("");
  const bool perkw = text.ends_with("perkw");
  const bool unit = perkw || text.ends_with("perkb");
  const auto digits = std::string_view(text).substr(0, unit ? text.size() - unit_length : text.size());
  std::uint32_t number = 0;
  const auto [stopped, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || stopped != digits.data() + digits.size() || number == 0) {
    return wrong(value, "must be a feerate in numbers, as 7500perkw or 30000perkb");
  }
  return Perkw{perkw ? number : number / 4 + (number % 4 > 0 ? 1 : 0)};
}

}  // namespace request
