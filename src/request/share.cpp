#include "request/share.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

#include "lightningd/codes.hpp"
#include "params/amount.hpp"
#include "params/params.hpp"
#include "util/str.hpp"

namespace request {

using bitcoin::Sat;
using params::parse_sat;
using params::token_text;
using params::wrong;
using util::Result;

namespace {

constexpr std::size_t decimals = 6;  ///< of a percentage

std::optional<std::uint32_t> to_number(std::string_view digits) {
  std::uint32_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stopped != end || digits.empty()) return std::nullopt;
  return number;
}

/// "12.5" to millionths: 12'500'000.
std::optional<std::uint32_t> to_millionths(std::string_view text) {
  const auto point = text.find('.');
  std::string digits(text.substr(0, point));
  if (digits.empty()) return std::nullopt;
  std::string_view fraction;
  if (point != std::string_view::npos) {
    fraction = text.substr(point + 1);
    if (fraction.empty() || fraction.size() > decimals) return std::nullopt;
  }
  digits += fraction;
  digits.append(decimals - fraction.size(), '0');
  return to_number(digits);
}

/// whole * part / parts, rounded down. Both parts fit into 32 bits, so nothing overflows.
Sat part_of(Sat whole, std::uint64_t part, std::uint64_t parts) {
  return Sat{whole.value / parts * part + whole.value % parts * part / parts};
}

struct Sums {
  std::uint64_t parts = 0;
  std::uint64_t weight = 0;
};

Sums sums_of(const std::vector<Claim>& claims) {
  Sums sums;
  for (const auto& claim : claims) {
    sums.parts += claim.share.parts;
    sums.weight += claim.share.weight;
  }
  return sums;
}

}  // namespace

bool looks_like_share(std::string_view text) { return text == "all" || text.ends_with('%') || text.starts_with('*'); }

Result<Share> parse_share(const json::Value& value) {
  const std::string text = token_text(value).value_or("");
  if (text == "all") return Share{text, 1, 0};
  if (text.starts_with('*')) {
    const auto weight = to_number(std::string_view(text).substr(1));
    if (!weight || *weight == 0) return wrong(value, R"(a weight must be a positive integer, as "*2")");
    return Share{text, *weight, 0};
  }
  const auto parts = to_millionths(std::string_view(text).substr(0, text.size() - 1));
  if (!parts || *parts == 0 || *parts > Share::whole) {
    return wrong(value, R"(a share must be above 0% and up to 100%, with at most six decimals, as "12.5%")");
  }
  return Share{text, 0, *parts};
}

Result<AmountOrShare> parse_amount_or_share(const json::Value& value) {
  if (const auto text = value.string(); text && looks_like_share(*text)) {
    const auto share = parse_share(value);
    if (!share) return share.error();
    return AmountOrShare{{}, *share};
  }
  const auto amount = parse_sat(value);
  if (amount) return AmountOrShare{*amount, {}};
  util::Error error = amount.error();
  const auto text = value.string();
  const bool word = text && !text->empty() && std::isalpha(static_cast<unsigned char>(text->front())) != 0;
  if (word) error.message += R"( ("all", "40%" and "*2" are shares of what is left))";
  return error;
}

Result<void> ShareRules::add(const json::Value& given, const std::string& amount, const Share& share) {
  const auto wrong_amount = [&amount, &share](std::string_view what) {
    return util::Error{
        lightningd::code::invalid_params, util::str(amount, ": ", what, ", got \"", share.text, "\""), {}};
  };
  if (share.is_all() && all_) return wrong(given, "only one destination can indicate \"all\" for 'amount'.");
  const bool others = parts_ > 0 || weight_ > 0;
  if ((share.is_all() && others) || all_) {
    return wrong_amount("\"all\" and other shares do not go together; \"*1\" is a share of all");
  }
  all_ = share.is_all();
  parts_ += share.parts;
  weight_ += share.weight;
  if (parts_ > Share::whole) return wrong_amount("the percentages up to here are more than 100%");
  if (parts_ == Share::whole && weight_ > 0) return wrong_amount("100% leave nothing for the weights");
  if (weight_ > UINT32_MAX) return wrong_amount("the weights up to here are more than 4294967295");
  return {};
}

std::string Claim::name() const {
  return payment ? util::str("outputs[", *payment, "].amount") : util::str("destinations[", payee, "].amount");
}

std::vector<Sat> split(Sat left, const std::vector<Claim>& claims) {
  const auto sums = sums_of(claims);
  std::vector<Sat> amounts;
  Sat rest = left;
  std::optional<std::size_t> last;  // who gets what rounding leaves
  for (const auto& claim : claims) {
    amounts.push_back(part_of(left, claim.share.parts, Share::whole));
    rest = rest - amounts.back();
    if (sums.weight == 0 && sums.parts == Share::whole) last = amounts.size() - 1;
  }
  const Sat shared = rest;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    if (claims[i].share.weight == 0) continue;
    amounts[i] = part_of(shared, claims[i].share.weight, sums.weight);
    rest = rest - amounts[i];
    last = i;
  }
  if (last) amounts[*last] = amounts[*last] + rest;
  for (std::size_t i = 0; i < claims.size(); ++i) amounts[i] = std::min(amounts[i], claims[i].cap);
  return amounts;
}

}  // namespace request
