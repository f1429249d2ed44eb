#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "json/value.hpp"
#include "lightningd/ids.hpp"
#include "util/result.hpp"

namespace lightningd {

/// What listpeerchannels calls a channel's state. `unknown`: one of a version that we do not know, or of dual funding.
enum class ChannelState {
  unknown,
  opening,               ///< OPENINGD: an opening in progress, without an outpoint
  awaiting_lockin,       ///< CHANNELD_AWAITING_LOCKIN
  normal,                ///< CHANNELD_NORMAL
  awaiting_splice,       ///< CHANNELD_AWAITING_SPLICE
  shutting_down,         ///< CHANNELD_SHUTTING_DOWN
  closing_by_agreement,  ///< CLOSINGD_SIGEXCHANGE
  awaiting_unilateral,   ///< AWAITING_UNILATERAL
  funding_spend_seen,    ///< FUNDING_SPEND_SEEN
  onchain,               ///< ONCHAIN
  closed,                ///< CLOSED
};

/// lightningd's word for it.
[[nodiscard]] const char* name_of(ChannelState state);
/// Reverses name_of(); `unknown` for another text.
[[nodiscard]] ChannelState channel_state_named(std::string_view name);

struct PeerChannel {
  NodeId peer;
  ChannelState state = ChannelState::unknown;
  std::optional<ChannelId> channel_id;       ///< absent for an opening without an outpoint
  std::optional<bitcoin::Outpoint> funding;  ///< funding_txid and funding_outnum
  std::optional<bitcoin::Sat> total;         ///< total_msat
  bool opened_by_us = false;
  bool withheld = false;
  bool released = false;  ///< not withheld, and lightningd knows the word: its transaction may be out
  bool peer_connected = false;
  std::string short_channel_id;

  [[nodiscard]] bool awaits_lockin() const { return state == ChannelState::awaiting_lockin; }
  /// Whether its commitments are exchanged, and nothing has ended it.
  [[nodiscard]] bool lives() const { return awaits_lockin() || state == ChannelState::normal; }
  /// Whether the peer may count on it: one without confirmations is in use at once, may be spliced, and may be closing
  /// again.
  [[nodiscard]] bool is_in_use() const;
  /// lightningd before v25.12 gives up a channel with a peer's error by closing it, although nothing was
  /// ever sent. Such a channel cannot be removed, but nor can it become real: we do not sign.
  [[nodiscard]] bool is_dead() const;
  /// Whether it is one that we have opened, of this transaction.
  [[nodiscard]] bool is_of(const bitcoin::Txid& txid) const { return opened_by_us && funding && funding->txid == txid; }
};

/// What setchannel sets for one channel; what is left out stays as it is.
struct ChannelPolicy {
  std::optional<bitcoin::Msat> feebase;  ///< at most 32 bits
  std::optional<std::uint32_t> feeppm;
  std::optional<bitcoin::Msat> htlcmin;
  std::optional<bitcoin::Msat> htlcmax;
  bool operator==(const ChannelPolicy&) const = default;
};

/// One of listpeerchannels. An opening in progress has few of the members.
[[nodiscard]] util::Result<PeerChannel> read_channel(const json::Value& object);

}  // namespace lightningd
