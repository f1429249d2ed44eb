#include "checks/preflight.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "context/calls.hpp"
#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace checks {

using lightningd::FeerateLimits;
using lightningd::NodeInfo;
using lightningd::NodeLimits;
using request::Destination;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;
using util::str;

namespace {

namespace code = lightningd::code;

constexpr std::string_view no_estimates = "Cannot estimate fees";

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && stopped == end && port != 0;
}

/// Whether lightningd can judge the address without looking up a name, for which it would stand still. A name with a
/// good port is left to connect.
bool can_be_judged(std::string_view address) {
  if (address.empty()) return false;
  if (address.starts_with('/') || address.starts_with('[') || address.find(".onion") != std::string_view::npos) {
    return true;
  }
  if (address.find_first_not_of("0123456789.:") == std::string_view::npos) return true;
  const auto colon = address.find(':');
  if (colon == std::string_view::npos) return false;
  return colon != address.rfind(':') || !is_port(address.substr(colon + 1));
}

/// Whose fault it is, in lightningd's own words (v23.08 to v26.06.6); nothing for what depends on the peer.
std::optional<std::string_view> field_of(const Error& error) {
  const auto says = [&error](std::string_view text) { return error.message.find(text) != std::string::npos; };
  if (says("channel_type")) return "channel_type";
  if (says("mindepth")) return "mindepth";
  if (says("address") && error.code != code::invalid_params) return "close_to";
  return std::nullopt;
}

/// Code, words and data are those of the builtin, which says the same when the peer is asked.
std::string about(const Destination& destination, const char* method) {
  return json::Writer().object().field("id", destination.id.hex()).field("method", method).end().take();
}

}  // namespace

std::vector<Spark> Preflight::ask(Known known) {
  known_ = std::move(known);
  commitment_.plain_feerate = known_.plain_feerate;
  std::vector<Spark> asked{ask_node()};
  const auto& destinations = request_.destinations;
  const auto reserves = [](const auto& destination) { return destination.reserve.has_value(); };
  if (std::any_of(destinations.begin(), destinations.end(), reserves)) asked.push_back(ask_limits());
  for (const auto& destination : destinations) {
    // Estimates are missing for all or for none: the first finds it out.
    const bool special = destination.close_to || destination.has_channel_type || destination.mindepth;
    if (special || destination.index == 0) asked.push_back(ask_start(destination));
    if (can_be_judged(destination.address)) asked.push_back(ask_address(destination));
  }
  return asked;
}

Spark Preflight::ask_node() {
  return calls_.scope.spark([this](Completion completion) {
    auto then = [this, c = std::move(completion)](const Result<NodeInfo>& info) mutable {
      for (const auto& destination : request_.destinations) {
        if (!info || info->id != destination.id) continue;
        refuse(destination.index,
               {code::invalid_params,
                str("destinations[", destination.index, "].id: this is our own node, ", destination.id.hex()),
                {}});
      }
      std::move(c).done();
    };
    calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", std::move(then)));
  });
}

Spark Preflight::ask_limits() {
  return calls_.scope.spark([this](Completion completion) {
    auto then = [this, c = std::move(completion)](const Result<NodeLimits>& limits) mutable {
      if (limits) commitment_.min_capacity = limits->min_capacity;
      std::move(c).done();
    };
    calls_.client.limits(calls_.local<NodeLimits>("listconfigs", std::move(then)));
  });
}

void Preflight::take(const FeerateLimits& feerates) { commitment_.anchor_feerate = feerates.anchor_commitment; }

// Those that no peer can take. The others are judged when the peer's features are known.
void Preflight::judge_amounts() {
  for (const auto& destination : request_.destinations) {
    if (destination.share) continue;
    const auto kind = funding::kind_of(destination, known_.features, std::nullopt);
    const auto fits = commitment_.check(destination, destination.amount, kind);
    if (!fits) refuse(destination.index, {code::invalid_params, fits.error().message, {}});
  }
}

Spark Preflight::ask_start(const Destination& destination) {
  return calls_.scope.spark([this, &destination](Completion completion) {
    auto then = [this, &destination, c = std::move(completion)](const Result<void>& answer) mutable {
      if (!answer) judge_start(destination, answer.error());
      std::move(c).done();
    };
    lightningd::StartParams params;
    params.id = destination.id;
    // A share has no amount yet; one that lightningd takes for any.
    params.amount = destination.share ? bitcoin::Sat{100'000} : destination.amount;
    params.feerate = known_.commitment_feerate;
    params.close_to = destination.close_to;
    params.mindepth = destination.mindepth;
    params.has_channel_type = destination.has_channel_type;
    params.channel_type = destination.channel_type;
    calls_.client.check_start(params, calls_.local<void>("check", std::move(then)));
  });
}

void Preflight::judge_start(const Destination& destination, const Error& error) {
  const bool no_estimate = error.message.find(no_estimates) != std::string::npos;
  const auto field = field_of(error);
  if (no_estimate) {
    refuse(0, {error.code, str(error.message, remedy_without_estimates), about(destination, "fundchannel_start")});
  } else if (field) {
    refuse(destination.index, {error.code, str("destinations[", destination.index, "].", *field, ": ", error.message),
                               about(destination, "fundchannel_start")});
  }
}

Spark Preflight::ask_address(const Destination& destination) {
  return calls_.scope.spark([this, &destination](Completion completion) {
    auto then = [this, &destination, c = std::move(completion)](const Result<void>& answer) mutable {
      const bool judged = !answer && !lightningd::in_doubt(answer.error()) &&
                          (answer.error().code == code::invalid_params || answer.error().code == code::generic);
      if (judged) {
        refuse(destination.index, {answer.error().code,
                                   str("destinations[", destination.index, "].id: ", answer.error().message,
                                       ", got \"@", destination.address, "\""),
                                   about(destination, "connect")});
      }
      std::move(c).done();
    };
    calls_.client.check_connect(destination.id, destination.address, calls_.local<void>("check", std::move(then)));
  });
}

void Preflight::refuse(std::size_t index, Error error) {
  if (refusal_ && refused_ <= index) return;
  refusal_ = std::move(error);
  refused_ = index;
}

}  // namespace checks
