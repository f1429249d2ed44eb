#include "request/destination.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "bitcoin/fees.hpp"
#include "lightningd/codes.hpp"
#include "lightningd/features.hpp"
#include "params/amount.hpp"
#include "params/params.hpp"
#include "request/policy_params.hpp"
#include "request/written_destinations.hpp"
#include "util/str.hpp"

namespace request {

using params::Params;
using params::parse_bool;
using params::parse_msat;
using params::parse_sat;
using params::parse_short_text;
using params::parse_string;
using params::parse_u16;
using params::parse_unsigned;
using params::token_text;
using params::wrong;

namespace {

/// In the order in which lightningd's builtin takes them from an array; ours follow.
constexpr std::array<std::string_view, 15> destination_parameters{
    "id",      "amount",       "announce", "push_msat", "close_to", "request_amt", "compact_lease", "mindepth",
    "reserve", "channel_type", "feebase",  "feeppm",    "htlcmin",  "htlcmax",     "memo"};

struct Peer {
  lightningd::NodeId id;
  std::string address;
};

/// "<node id>", or "<node id>@<host>[:<port>]". The address is left for `connect` to judge.
util::Result<Peer> parse_peer(const json::Value& value) {
  const auto text = value.is_number() ? std::nullopt : token_text(value);
  if (!text) return wrong(value, "invalid node id: it must be a string");
  const auto at = text->find('@');
  const auto id = lightningd::NodeId::from_hex(std::string_view(*text).substr(0, at));
  if (!id) return wrong(value, "invalid node id: it has 66 hex digits, the first two 02 or 03");
  if (at == std::string::npos) return Peer{*id, ""};
  if (at + 1 == text->size()) return wrong(value, "has no address after the @");
  return Peer{*id, text->substr(at + 1)};
}

util::Result<AmountOrShare> parse_destination_amount(const json::Value& value) {
  const auto amount = parse_amount_or_share(value);
  if (amount && !amount->share && amount->fixed < bitcoin::channel_dust) {
    return wrong(value, util::str("output would be dust (less than ", bitcoin::channel_dust.value, "sat)"));
  }
  return amount;
}

util::Result<std::vector<std::uint16_t>> parse_channel_type(const json::Value& value) {
  if (!value.is_array()) return wrong(value, "must be an array, of feature bits");
  std::vector<std::uint16_t> bits;
  for (const json::Value& element : value.elements()) {
    const auto bit = parse_u16(element);
    if (!bit) return bit.error();
    bits.push_back(*bit);
  }
  return bits;
}

/// With the code and the words that fundchannel_start has for it, which programs know.
void refuse_push_beyond_amount(Params& params, const Destination& destination) {
  const auto value = params.find("push_msat");
  if (!value || destination.share || destination.push <= to_msat(destination.amount)) return;
  util::Error error =
      wrong(*value, util::str("Requested to push_msat of ", destination.push.value,
                              "msat is greater than available funding amount ", destination.amount.value, "sat"));
  error.code = lightningd::code::cannot_afford;
  params.fail(std::move(error));
}

/// BOLT 2: a channel that is announced cannot have an alias in place of its short channel id.
void refuse_announced_alias(Params& params, const Destination& destination) {
  const auto& bits = destination.channel_type;
  const bool alias =
      std::any_of(bits.begin(), bits.end(), [](auto bit) { return bit / 2 == lightningd::feature::scid_alias / 2; });
  if (!alias || !destination.announce) return;
  params.fail(wrong(*params.find("channel_type"),
                    "has option_scid_alias, which BOLT 2 allows only for channels with announce=false"));
}

/// Both sides keep it.
void refuse_reserve_beyond_amount(Params& params, const Destination& destination) {
  if (destination.share || !destination.reserve || destination.reserve->value <= destination.amount.value / 2) return;
  params.fail(wrong(*params.find("reserve"), util::str("is more than half of the amount of ", destination.amount.value,
                                                       " sat, and both sides have to keep it (Not opening because "
                                                       "if they used the same setting as us)")));
}

/// Both parameters ask for dual funding; only an explicit zero asks for nothing.
void refuse_lease(Params& params) {
  const auto wanted = params.optional("request_amt", parse_sat).value_or(bitcoin::Sat{});
  const auto amount = params.find("request_amt");
  const auto lease = params.find("compact_lease");
  if (wanted.value != 0 && !lease)
    params.fail(wrong(*amount, "Must pass in 'compact_lease' if requesting funds from peer"));
  if (wanted.value == 0 && !lease) return;
  util::Error error = wrong(wanted.value != 0 ? *amount : *lease, "v2 (dual funding) is not supported yet");
  error.code = lightningd::code::v2_unsupported;
  params.fail(std::move(error));
}

util::Result<Destination> parse_members(const json::Value& value) {
  Params params(value, destination_parameters);
  Destination destination;
  Peer peer = params.required("id", parse_peer);
  destination.id = peer.id;
  destination.address = std::move(peer.address);
  const auto amount = params.required("amount", parse_destination_amount);
  destination.share = amount.share;
  destination.amount = amount.fixed;
  destination.announce = params.optional("announce", parse_bool).value_or(true);
  destination.push = params.optional("push_msat", parse_msat).value_or(bitcoin::Msat{});
  refuse_push_beyond_amount(params, destination);
  destination.close_to = params.optional("close_to", parse_string);
  refuse_lease(params);
  destination.mindepth = params.optional("mindepth", parse_unsigned);
  destination.reserve = params.optional("reserve", parse_sat);
  if (auto bits = params.optional("channel_type", parse_channel_type)) {
    destination.channel_type = std::move(*bits);
    destination.has_channel_type = true;
  }
  refuse_announced_alias(params, destination);
  refuse_reserve_beyond_amount(params, destination);
  destination.policy = parse_policy(params, destination.amount);
  destination.memo = params.optional("memo", parse_short_text).value_or("");
  if (params.error()) return *params.error();
  return destination;
}

util::Result<Destination> parse_written(const WrittenDestination& written) {
  const auto peer = parse_peer(written.id.root());
  if (!peer) return peer.error();
  const auto amount = parse_destination_amount(written.amount.root());
  if (!amount) return amount.error();
  Destination destination;
  destination.id = peer->id;
  destination.address = peer->address;
  destination.share = amount->share;
  destination.amount = amount->fixed;
  return destination;
}

util::Result<Destination> parse_element(const json::Value& value) {
  if (!value.is_string() && !value.is_word()) return parse_members(value);
  const auto written = read_destination(value);
  return written ? parse_written(*written) : written.error();
}

/// The destinations of one batch, and the rules that hold between them.
class Destinations {
 public:
  /// `given` is what an error about all of it names, `amount` the path of its amount.
  [[nodiscard]] util::Result<void> add(util::Result<Destination> destination, const json::Value& given,
                                       const std::string& amount) {
    if (!destination) return destination.error();
    if (!ids_.insert(destination->id).second) return wrong(given, "Duplicate destination: this id came before");
    if (destination->share) {
      if (auto fits = shares_.add(given, amount, *destination->share); !fits) return fits;
    }
    total_ = total_ + destination->amount;
    if (total_ > bitcoin::max_money) return wrong(given, "the amounts up to here are more than 21 million btc");
    destination->index = all_.size();
    all_.push_back(std::move(*destination));
    return {};
  }

  [[nodiscard]] std::vector<Destination> take() { return std::move(all_); }

 private:
  std::vector<Destination> all_;
  std::set<lightningd::NodeId> ids_;
  ShareRules shares_;
  bitcoin::Sat total_;
};

util::Result<std::vector<Destination>> parse_text(const json::Value& value) {
  const auto written = read_destinations(value);
  if (!written) return written.error();
  Destinations destinations;
  for (const auto& one : *written) {
    const auto added = destinations.add(parse_written(one), one.id.root(), one.amount.root().path());
    if (!added) return added.error();
  }
  return destinations.take();
}

}  // namespace

util::Result<std::vector<Destination>> parse_destinations(const json::Value& value) {
  if (value.is_string() || value.is_word()) return parse_text(value);
  if (!value.is_array()) return wrong(value, "must be an array");
  if (value.size() == 0) return wrong(value, "must have at least one entry");

  Destinations destinations;
  for (const json::Value& element : value.elements()) {
    const auto added = destinations.add(parse_element(element), element, util::str(element.path(), ".amount"));
    if (!added) return added.error();
  }
  return destinations.take();
}

}  // namespace request
