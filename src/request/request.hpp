#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "json/value.hpp"
#include "lightningd/channel.hpp"
#include "lightningd/ids.hpp"
#include "psbt/psbt.hpp"
#include "request/fee_cap.hpp"
#include "request/payment.hpp"
#include "request/share.hpp"
#include "util/result.hpp"

namespace request {

/// What the user asked for one peer. Immutable once parsed; every attempt starts from it again.
struct Destination {
  std::size_t index = 0;  ///< position in the user's list, for logs and for the order of results
  lightningd::NodeId id;
  std::string address;         ///< "host[:port]" as given after '@'; empty when none
  std::optional<Share> share;  ///< of what is left; `amount` is 0 then
  bitcoin::Sat amount;
  bool announce = true;
  bitcoin::Msat push;
  std::optional<std::string> close_to;
  std::optional<std::uint32_t> mindepth;
  std::optional<bitcoin::Sat> reserve;
  std::vector<std::uint16_t> channel_type;  ///< feature bits; meaningful when has_channel_type
  bool has_channel_type = false;
  std::optional<lightningd::ChannelPolicy> policy;  ///< to be set when the channel is there
  std::string memo;                                 ///< the user's own words; empty when none
};

/// The caller's name for a batch.
struct UserLabel {
  std::string text;
  std::string digest;  ///< of the call's other parameters, 64 hex digits: the same call has the same

  friend bool operator==(const UserLabel&, const UserLabel&) = default;
};

/// The parameters of multifundchannel, parsed and checked.
struct Request {
  std::vector<Destination> destinations;
  std::vector<Payment> payments;                  ///< `outputs`; empty when it was not given
  bitcoin::Sat keep_change;                       ///< what a change output has at least; 0: there need be none
  std::optional<std::string> feerate;             ///< as the user wrote it
  std::optional<std::string> commitment_feerate;  ///< likewise
  std::uint32_t minconf = 1;
  bool has_minconf = false;  ///< it was given
  std::vector<bitcoin::Outpoint> utxos;
  bool has_utxos = false;
  std::size_t minchannels = 0;  ///< defaults to the number of destinations
  std::optional<std::uint32_t> peer_timeout_seconds;
  bool details = false;  ///< a result beyond the builtin's
  FeeCap cap;
  /// Only tell what would happen.
  enum class DryRun {
    no,
    look,
    ask,  ///< and ask each peer whether it would open the channel
  };
  DryRun dryrun = DryRun::no;
  std::optional<UserLabel> label;
  /// The user's PSBT, whose inputs pay instead of the wallet: with no output, or with one, the change.
  std::shared_ptr<const psbt::Psbt> users_psbt;
  std::string change_address;  ///< of that output, as it was typed; empty when it was not given
  bool send = true;            ///< at once; otherwise it waits for multifundchannel-finish

  [[nodiscard]] bool has_shares() const;
  /// Whether the transaction is sent by multifundchannel-finish, once the channels are secured.
  [[nodiscard]] bool waits() const { return users_psbt != nullptr || !send; }
};

/// Parses the params of the command (object or array) as lightningd's builtin does, or with destinations as a person
/// writes them (written_destinations.hpp); every error
/// has code -32602 (310 for request_amt and compact_lease) and names the field, its value and what
/// is wrong with it. `network` is lightningd's name for it: addresses to pay to must be of that one.
[[nodiscard]] util::Result<Request> parse_request(const json::Value& params, std::string_view network);

/// Likewise the params of multifundchannel-prepare: a PSBT of the user's, and what else such a batch can have.
[[nodiscard]] util::Result<Request> parse_prepare(const json::Value& params, std::string_view network);

}  // namespace request
