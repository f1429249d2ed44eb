#pragma once

#include "bitcoin/amounts.hpp"
#include "json/value.hpp"
#include "util/result.hpp"

namespace params {

/// "123", "123sat", "123000msat", "0.001btc", a JSON integer (satoshi). Errors: not a whole number
/// of satoshi, over 21 million btc, not an amount.
[[nodiscard]] util::Result<bitcoin::Sat> parse_sat(const json::Value& value);
/// Likewise for parameters in millisatoshi ("123" and JSON integers are msat).
[[nodiscard]] util::Result<bitcoin::Msat> parse_msat(const json::Value& value);

}  // namespace params
