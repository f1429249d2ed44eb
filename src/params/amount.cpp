#include "params/amount.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "params/params.hpp"

namespace params {

namespace {

/// "0.01btc" in its parts: "0", "01" and "btc".
struct Parts {
  std::string_view whole;
  std::string_view fraction;
  std::string_view unit;
};

std::string_view take_digits(std::string_view& text) {
  const auto size = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

std::optional<Parts> split(std::string_view text) {
  Parts parts;
  parts.whole = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
    if (parts.fraction.empty() && !text.starts_with("btc")) return std::nullopt;  // "1.btc" is a bitcoin there
  }
  parts.unit = text;
  if (parts.whole.empty()) return std::nullopt;
  return parts;
}

/// Power of ten that makes millisatoshi of a unit, for lightningd's units. It looks at the beginning: "satoshi" and
/// "sats" are "sat".
std::optional<std::size_t> exponent_of(std::string_view unit) {
  if (unit.starts_with("msat")) return 0;
  if (unit.starts_with("sat")) return 3;
  if (unit.starts_with("btc")) return 11;
  return std::nullopt;
}

/// `bare_unit` is that of an amount without one; `what` says in an error what was wanted.
util::Result<bitcoin::Msat> parse_amount(const json::Value& value, std::string_view bare_unit, std::string_view what) {
  const std::string text = token_text(value).value_or("");
  const auto parts = split(text);
  if (!parts) return wrong(value, what);
  const auto exponent = exponent_of(parts->unit.empty() ? bare_unit : parts->unit);
  if (!exponent) return wrong(value, what);
  // Like lightningd: a fraction only of a bitcoin ("1.5sat" is no amount), and no finer than a unit.
  if (!parts->fraction.empty() && (!parts->unit.starts_with("btc") || parts->fraction.size() > *exponent))
    return wrong(value, what);

  std::string digits(parts->whole);
  digits += parts->fraction;
  digits.append(*exponent - parts->fraction.size(), '0');
  bitcoin::Msat amount;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), amount.value);
  if (error != std::errc{} || amount > to_msat(bitcoin::max_money)) return wrong(value, "is more than 21 million btc");
  return amount;
}

}  // namespace

util::Result<bitcoin::Sat> parse_sat(const json::Value& value) {
  const auto amount = parse_amount(value, "sat", "should be a satoshi amount, as 123, 123sat, 123000msat or 0.01btc");
  if (!amount) return amount.error();
  if (amount->value % 1000 != 0) return wrong(value, "should be a satoshi amount, without a fraction of one");
  return bitcoin::Sat{amount->value / 1000};
}

util::Result<bitcoin::Msat> parse_msat(const json::Value& value) {
  return parse_amount(value, "msat", "should be a millisatoshi amount, as 123, 123msat, 123sat or 0.01btc");
}

}  // namespace params
