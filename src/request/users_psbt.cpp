#include "request/users_psbt.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "bitcoin/address.hpp"
#include "params/params.hpp"
#include "psbt/unsigned_check.hpp"
#include "util/bytes.hpp"
#include "util/str.hpp"

namespace request {

using params::wrong;
using psbt::Psbt;
using util::Error;
using util::Result;
using util::str;

namespace {

constexpr std::string_view magic_in_hex = "70736274ff";

}  // namespace

Result<Psbt> read_psbt(std::string_view text) {
  std::string plain;
  std::copy_if(text.begin(), text.end(), std::back_inserter(plain),
               [](char c) { return std::isspace(static_cast<unsigned char>(c)) == 0; });
  auto lower = plain.substr(0, magic_in_hex.size());
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower != magic_in_hex) return Psbt::from_base64(plain);
  const auto bytes = util::from_hex(plain);
  return bytes ? Psbt::parse(*bytes) : Result<Psbt>(Error{-1, "PSBT: begins as hex, but is not", {}});
}

Result<std::shared_ptr<const Psbt>> parse_users_psbt(const json::Value& value) {
  const auto text = value.string();
  if (!text) return wrong(value, "must be a PSBT in base64 or hex");
  auto psbt = read_psbt(*text);
  if (!psbt) return wrong(value, psbt.error().message.substr(std::string_view("PSBT: ").size()));
  if (const auto checked = psbt::check_unsigned(*psbt); !checked) return wrong(value, checked.error().message);
  return std::make_shared<const Psbt>(std::move(*psbt));
}

Result<void> add_change(Request& request, const std::string& text, std::string_view network) {
  const auto address = bitcoin::parse_address(text);
  if (!address) return address.error();
  if (!network.empty() && !address->is_of(network)) {
    return Error{-1, str("is not an address of this network, ", network), {}};
  }
  if (!request.users_psbt->outputs().empty()) return Error{-1, "the PSBT has an output for the change already", {}};
  if (shares_take_all(request)) return Error{-1, "the shares take all that is left", {}};
  const bool paid = std::any_of(request.payments.begin(), request.payments.end(),
                                [&address](const auto& payment) { return payment.script == address->script; });
  if (paid) return Error{-1, "is one of those in `outputs`", {}};
  Psbt psbt = *request.users_psbt;
  psbt.insert_output(0, {bitcoin::Sat{}, address->script});
  request.users_psbt = std::make_shared<const Psbt>(std::move(psbt));
  return {};
}

bool shares_take_all(const Request& request) {
  std::uint64_t parts = 0;
  bool weights = false;
  const auto take = [&parts, &weights](const auto& payee) {
    if (!payee.share) return;
    weights = weights || payee.share->weight > 0;
    parts += payee.share->parts;
  };
  std::for_each(request.destinations.begin(), request.destinations.end(), take);
  std::for_each(request.payments.begin(), request.payments.end(), take);
  return weights || parts >= Share::whole;
}

}  // namespace request
