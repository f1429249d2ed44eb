#include "request/request.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "params/amount.hpp"
#include "params/params.hpp"
#include "request/destination.hpp"
#include "request/users_psbt.hpp"
#include "request/written_destinations.hpp"
#include "util/bytes.hpp"
#include "util/str.hpp"

namespace request {

using params::Params;
using params::parse_bool;
using params::parse_sat;
using params::parse_short_text;
using params::parse_token;
using params::parse_u32;
using params::to_integer;
using params::token_text;
using params::wrong;

namespace {

/// In the order in which lightningd's builtin takes them from an array; ours follow.
constexpr std::array<std::string_view, 15> request_parameters{
    "destinations", "feerate", "minconf", "utxos",       "minchannels", "commitment_feerate",
    "peer_timeout", "details", "max_fee", "max_feerate", "dryrun",      "outputs",
    "keep_change",  "label",   "send"};
constexpr std::array<std::string_view, 12> prepare_parameters{
    "psbt",    "destinations", "feerate",     "minchannels", "commitment_feerate", "peer_timeout",
    "details", "max_fee",      "max_feerate", "outputs",     "change_address",     "label"};

/// What a label's digest leaves out: the label, and what makes no batch.
constexpr std::array<std::string_view, 2> not_in_digest{"label", "dryrun"};

/// As utxopsbt says it.
util::Error not_an_outpoint(const json::Value& value) {
  const std::string text = token_text(value).value_or(value.dump()).substr(0, 100);
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    return wrong(value, util::str("Could not decode the outpoint from \"", text,
                                  "\" The utxos should be specified as 'txid:output_index'."));
  }
  const auto txid = text.substr(0, colon);
  if (!bitcoin::Txid::from_hex(txid)) {
    return wrong(value, util::str("Could not get a txid out of \"", txid, '"'));
  }
  return wrong(value, util::str("Could not get a vout out of \"", text.substr(colon + 1), '"'));
}

std::optional<bitcoin::Outpoint> to_outpoint(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto txid = bitcoin::Txid::from_hex(text.substr(0, colon));
  const auto vout = to_integer(text.substr(colon + 1));
  if (!txid || !vout || *vout > UINT32_MAX) return std::nullopt;
  return bitcoin::Outpoint{*txid, static_cast<std::uint32_t>(*vout)};
}

util::Result<std::vector<bitcoin::Outpoint>> parse_utxos(const json::Value& value) {
  if (!value.is_array()) return wrong(value, "should be an array");
  if (value.size() == 0) {
    return wrong(value, util::str("Please specify an array of 'txid:output_index', not \"", value.dump(), '"'));
  }
  std::vector<bitcoin::Outpoint> utxos;
  std::set<bitcoin::Outpoint> seen;
  for (const json::Value& element : value.elements()) {
    const auto outpoint = to_outpoint(token_text(element).value_or(""));
    if (!outpoint) return not_an_outpoint(element);
    if (!seen.insert(*outpoint).second) return wrong(element, "came before");
    utxos.push_back(*outpoint);
  }
  return utxos;
}

util::Result<std::uint32_t> parse_positive(const json::Value& value) {
  const auto number = parse_u32(value);
  if (number && *number == 0) return wrong(value, util::str("should be a positive integer, from 1 to ", UINT32_MAX));
  return number;
}

util::Result<bitcoin::Sat> parse_keep_change(const json::Value& value) {
  const auto amount = parse_sat(value);
  if (amount && *amount < bitcoin::change_dust) {
    return wrong(value, util::str("output would be dust (less than ", bitcoin::change_dust.value, "sat)"));
  }
  return amount;
}

util::Result<Request::DryRun> parse_dryrun(const json::Value& value) {
  const auto text = value.string();
  if (text && *text == "ask") return Request::DryRun::ask;
  const auto plain = parse_bool(value);
  if (!plain) return wrong(value, "should be 'true', 'false' or 'ask'");
  return *plain ? Request::DryRun::look : Request::DryRun::no;
}

std::optional<UserLabel> parse_label(Params& params) {
  const auto text = params.optional("label", parse_short_text);
  if (!text) return std::nullopt;
  const auto rest = params.all_but(not_in_digest);
  const auto digest = util::sha256(reinterpret_cast<const std::uint8_t*>(rest.data()), rest.size());
  return UserLabel{*text, util::to_hex(digest.data(), digest.size())};
}

/// What every batch has, whoever pays.
Request parse_batch(Params& params, std::string_view network) {
  Request request;
  request.destinations = params.required("destinations", parse_destinations);
  request.feerate = params.optional("feerate", parse_token);
  // Asking for more than there are means asking for all, as with lightningd's builtin.
  const auto minchannels = params.optional("minchannels", parse_positive);
  request.minchannels = std::min<std::size_t>(minchannels.value_or(UINT32_MAX), request.destinations.size());
  request.commitment_feerate = params.optional("commitment_feerate", parse_token);
  request.peer_timeout_seconds = params.optional("peer_timeout", parse_positive);
  request.details = params.optional("details", parse_bool).value_or(false);
  request.cap.fee = params.optional("max_fee", parse_sat);
  request.cap.feerate = params.optional("max_feerate", parse_perkw);
  if (auto payments = params.optional("outputs", parse_payments)) {
    request.payments = std::move(*payments);
    auto fits = check_beside(request.destinations, request.payments, *params.find("outputs"));
    if (fits) fits = check_network(request.payments, network);
    if (!fits) params.fail(fits.error());
  }
  request.label = parse_label(params);
  return request;
}

}  // namespace

bool Request::has_shares() const {
  return std::any_of(destinations.begin(), destinations.end(),
                     [](const Destination& d) { return d.share.has_value(); }) ||
         std::any_of(payments.begin(), payments.end(), [](const Payment& p) { return p.share.has_value(); });
}

util::Result<Request> parse_request(const json::Value& given, std::string_view network) {
  const auto whole = given.renamed("");
  const auto joined = join_names(whole);
  if (!joined) return joined.error();
  if (*joined) return parse_request((*joined)->root(), network);
  Params params(whole, request_parameters);
  Request request = parse_batch(params, network);
  request.has_minconf = params.optional("minconf", parse_u32).has_value();
  request.minconf = params.optional("minconf", parse_u32).value_or(1);
  if (auto utxos = params.optional("utxos", parse_utxos)) {
    request.utxos = std::move(*utxos);
    request.has_utxos = true;
  }
  request.dryrun = params.optional("dryrun", parse_dryrun).value_or(Request::DryRun::no);
  if (const auto least = params.optional("keep_change", parse_keep_change)) request.keep_change = *least;
  request.send = params.optional("send", parse_bool).value_or(true);
  if (params.error()) return *params.error();
  return request;
}

util::Result<Request> parse_prepare(const json::Value& given, std::string_view network) {
  Params params(given.renamed(""), prepare_parameters);
  Request request;
  auto psbt = params.required("psbt", parse_users_psbt);
  request = parse_batch(params, network);
  request.users_psbt = std::move(psbt);
  const auto change = params.optional("change_address", parse_address_text);
  if (params.error()) return *params.error();
  if (change) {
    if (const auto added = add_change(request, *change, network); !added) {
      return wrong(*params.find("change_address"), added.error().message);
    }
    request.change_address = *change;
  }
  if (shares_take_all(request) && !request.users_psbt->outputs().empty()) {
    return util::Error{
        lightningd::code::invalid_params, "psbt: has an output for change, and the shares take all that is left", {}};
  }
  return request;
}

}  // namespace request
