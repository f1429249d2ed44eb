#include "request/users_psbt.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <utility>

#include "bitcoin/address.hpp"
#include "params/params.hpp"
#include "psbt/final_witness.hpp"
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

/// P2PKH, P2SH or native segwit.
bool is_payable(const util::Bytes& script) {
  const bool key_hash = script.size() == 25 && script[0] == 0x76 && script[1] == 0xa9 && script[2] == 20;
  const bool script_hash = script.size() == 23 && script[0] == 0xa9 && script[1] == 20;
  return key_hash || script_hash || bitcoin::is_native_segwit(script);
}

Result<void> check_input(const Psbt& psbt, std::size_t index) {
  const auto name = str("input ", index, " (", psbt.inputs()[index].outpoint.str(), ")");
  const auto script = psbt.input_script(index);
  if (!psbt.input_amount(index) || !script) {
    return Error{
        -1, str(name, " does not tell what it spends: its witness UTXO is missing, or contradicts itself"), {}};
  }
  if (!bitcoin::is_native_segwit(*script)) {
    return Error{-1, str(name, " is not native segwit: its signature would change the transaction's id"), {}};
  }
  if (psbt::is_signed(psbt.input_map(index))) {
    return Error{-1, str(name, " is signed already: a signature does not cover the channels that are added"), {}};
  }
  if (!psbt::is_for_all(psbt.input_map(index))) {
    return Error{-1, str(name, " asks for a sighash type other than ALL: others could change the transaction"), {}};
  }
  return {};
}

Result<void> check(const Psbt& psbt) {
  if (psbt.inputs().empty()) return Error{-1, "has no inputs to pay with", {}};
  if (psbt.outputs().size() > 1) {
    return Error{-1, str("has ", psbt.outputs().size(), " outputs: it may have one, for the change"), {}};
  }
  if (!psbt.outputs().empty() && !is_payable(psbt.outputs()[0].script)) {
    return Error{-1, "has an output whose script is no address: its change would be lost", {}};
  }
  if (!psbt.takes_outputs()) return Error{-1, "says that no output may be added (PSBT_GLOBAL_TX_MODIFIABLE)", {}};
  std::set<bitcoin::Outpoint> seen;
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    const auto& outpoint = psbt.inputs()[i].outpoint;
    if (!seen.insert(outpoint).second) return Error{-1, str("spends twice ", outpoint.str()), {}};
    if (auto checked = check_input(psbt, i); !checked) return checked;
  }
  return {};
}

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
  if (const auto checked = check(*psbt); !checked) return wrong(value, checked.error().message);
  return std::make_shared<const Psbt>(std::move(*psbt));
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
