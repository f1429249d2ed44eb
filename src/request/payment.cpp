#include "request/payment.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <utility>

#include "bitcoin/address.hpp"
#include "bitcoin/fees.hpp"
#include "lightningd/codes.hpp"
#include "lightningd/ids.hpp"
#include "params/params.hpp"
#include "request/request.hpp"
#include "util/str.hpp"

namespace request {

using bitcoin::Sat;
using params::Params;
using params::parse_short_text;
using params::wrong;
using util::Error;
using util::Result;
using util::str;

namespace {

constexpr std::array<std::string_view, 3> payment_parameters{"address", "amount", "label"};

bool starts_with_one_of(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [text](auto beginning) { return text.starts_with(beginning); });
}

/// What else people have at hand where an address is asked for; nothing when it may be one.
std::string_view what_else(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char letter) { return std::tolower(letter); });
  if (lower.starts_with("bitcoin:")) return "should be the address alone, without bitcoin: and what follows it";
  if (starts_with_one_of(lower, {"lnbc", "lntb", "lno1", "lightning:"})) {
    return "is a lightning invoice or offer, which a transaction cannot pay";
  }
  if (lightningd::NodeId::from_hex(lower.substr(0, lower.find('@')))) {
    return "is a node, not an address: channels are for `destinations`";
  }
  return {};
}

void refuse_dust(Params& params, const Payment& payment) {
  const auto least = bitcoin::dust_limit(payment.script);
  if (params.error() || payment.share || payment.amount >= least) return;
  params.fail(wrong(*params.find("amount"), str("output would be dust (less than ", least.value, "sat)")));
}

Result<Payment> parse_payment(const json::Value& value, std::size_t index) {
  Params params(value, payment_parameters);
  Payment payment;
  payment.index = index;
  payment.address = params.required("address", parse_address_text);
  if (const auto address = bitcoin::parse_address(payment.address)) payment.script = address->script;
  const auto amount = params.required("amount", parse_amount_or_share);
  payment.share = amount.share;
  payment.amount = amount.fixed;
  refuse_dust(params, payment);
  payment.label = params.optional("label", parse_short_text).value_or("");
  if (params.error()) return *params.error();
  return payment;
}

}  // namespace

Result<std::string> parse_address_text(const json::Value& value) {
  const auto text = value.string();
  if (!text || text->empty()) return wrong(value, "must be an address, as a string");
  if (const auto what = what_else(*text); !what.empty()) return wrong(value, what);
  const auto address = bitcoin::parse_address(*text);
  if (!address) return wrong(value, address.error().message);
  return std::string(*text);
}

Result<std::vector<Payment>> parse_payments(const json::Value& value) {
  if (!value.is_array()) return wrong(value, "must be an array");
  if (value.size() == 0) return wrong(value, "must have at least one entry");
  std::vector<Payment> payments;
  std::set<util::Bytes> scripts;
  for (const json::Value& element : value.elements()) {
    auto payment = parse_payment(element, payments.size());
    if (!payment) return payment.error();
    if (!scripts.insert(payment->script).second) return wrong(element, "this address came before");
    payments.push_back(std::move(*payment));
  }
  return payments;
}

Result<void> check_beside(const std::vector<Destination>& destinations, const std::vector<Payment>& payments,
                          const json::Value& value) {
  ShareRules shares;
  Sat total;
  auto weight = destinations.size() * bitcoin::output_weight;
  for (const auto& destination : destinations) {
    if (destination.share) (void)shares.add(value, "", *destination.share);
    total = total + destination.amount;
  }
  const auto elements = value.elements();
  for (const auto& payment : payments) {
    const auto& element = elements[payment.index];
    if (payment.share) {
      if (auto fits = shares.add(element, element.path() + ".amount", *payment.share); !fits) return fits;
    }
    total = total + payment.amount;
    if (total > bitcoin::max_money) return wrong(element, "the amounts up to here are more than 21 million btc");
    weight += bitcoin::weight_of_output(payment.script);
    if (weight > bitcoin::max_standard_weight) {
      return wrong(element, str("the outputs up to here weigh more than ", bitcoin::max_standard_weight,
                                ", and bitcoind relays no such transaction"));
    }
  }
  return {};
}

Result<void> check_network(const std::vector<Payment>& payments, std::string_view network) {
  if (network.empty()) return {};
  for (const auto& payment : payments) {
    const auto address = bitcoin::parse_address(payment.address);
    if (address && address->is_of(network)) continue;
    return Error{lightningd::code::invalid_params,
                 str("outputs[", payment.index, "].address: is not an address of this network, ", network, ", got \"",
                     payment.address, '"'),
                 {}};
  }
  return {};
}

}  // namespace request
