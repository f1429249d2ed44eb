#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "funding/fee_cap.hpp"
#include "funding/share.hpp"
#include "json/value.hpp"
#include "lightningd/types.hpp"
#include "util/result.hpp"

namespace funding {

/// What the user asked for one peer. Immutable once parsed; every attempt starts from it again.
struct Destination {
  std::size_t index = 0;  ///< position in the user's list, for logs and for the order of results
  lightningd::NodeId id;
  std::string address;         ///< "host[:port]" as given after '@'; empty when none
  std::optional<Share> share;  ///< of what is left; `amount` is 0 then
  lightningd::Sat amount;
  bool announce = true;
  lightningd::Msat push;
  std::optional<std::string> close_to;
  std::optional<std::uint32_t> mindepth;
  std::optional<lightningd::Sat> reserve;
  std::vector<std::uint16_t> channel_type;  ///< feature bits; meaningful when has_channel_type
  bool has_channel_type = false;
  std::optional<lightningd::ChannelPolicy> policy;  ///< to be set when the channel is there
};

/// The parameters of multifundchannel, parsed and checked.
struct Request {
  std::vector<Destination> destinations;
  std::optional<std::string> feerate;             ///< as the user wrote it
  std::optional<std::string> commitment_feerate;  ///< likewise
  std::uint32_t minconf = 1;
  bool has_minconf = false;  ///< it was given
  std::vector<lightningd::Outpoint> utxos;
  bool has_utxos = false;
  std::size_t minchannels = 0;  ///< defaults to the number of destinations
  std::optional<std::uint32_t> peer_timeout_seconds;
  bool details = false;  ///< a result beyond the builtin's
  FeeCap cap;
  bool dryrun = false;  ///< only tell what would happen

  [[nodiscard]] bool has_shares() const;
};

/// Parses the params of the command (object or array) as lightningd's builtin does; every error
/// has code -32602 (310 for request_amt and compact_lease) and names the field, its value and what
/// is wrong with it.
[[nodiscard]] util::Result<Request> parse_request(const json::Value& params);

/// "123", "123sat", "123000msat", "0.001btc", a JSON integer (satoshi). Errors: not a whole number
/// of satoshi, over 21 million btc, not an amount.
[[nodiscard]] util::Result<lightningd::Sat> parse_sat(const json::Value& value);
/// Likewise for parameters in millisatoshi ("123" and JSON integers are msat).
[[nodiscard]] util::Result<lightningd::Msat> parse_msat(const json::Value& value);

}  // namespace funding
