#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "lightningd/features.hpp"
#include "lightningd/ids.hpp"
#include "sim/random.hpp"
#include "sim/reply.hpp"
#include "sim/setup.hpp"
#include "util/rope.hpp"

namespace sim {

/// A channel in lightningd's database.
struct Channel {
  lightningd::ChannelId id;
  bitcoin::Outpoint funding;
  bitcoin::Sat amount;
  bitcoin::Msat push;
  std::uint32_t feerate = 0;  ///< for channels without anchors
  std::string state;
  bool opened_by_us = true;
  bool withheld = false;
  bool others = false;                ///< none of the plugin's business
  bool forged = false;                ///< of a record that no plugin wrote: may be cancelled, or be left
  std::string origin;                 ///< of the calls that opened it
  spark::Duration began{-1'000'000};  ///< when lightningd first could show it
  util::SharedText psbt;              ///< base64, version 2
  bool announce = true;
  std::optional<std::string> close_to;
  std::string channel_type;
  std::uint32_t mindepth = 3;
  std::string short_channel_id;  ///< empty until its funding transaction is deep enough
  std::uint32_t fee_base = 1;
  std::uint32_t fee_ppm = 10;
  bitcoin::Msat htlc_min{0};
  std::optional<bitcoin::Msat> htlc_max;  ///< none: as much as the channel can send
  std::vector<Reply> forgets;             ///< fundchannel_cancel commands under way

  /// What we can send at most; the peer keeps one percent.
  [[nodiscard]] bitcoin::Msat most() const { return {amount.value * 990}; }

  /// As lightningd's channel_state_wants_peercomms and its state "closable".
  [[nodiscard]] bool is_live() const {
    return state == "CHANNELD_NORMAL" || state == "CHANNELD_AWAITING_LOCKIN" || state == "CHANNELD_SHUTTING_DOWN";
  }
};

/// What openingd holds between fundchannel_start and the end of fundchannel_complete: in memory only.
struct Opening {
  enum class Step { starting, started, completing };

  std::uint64_t serial = 0;  ///< tells a timer whether its opening still is the same
  bool others = false;       ///< not the plugin's
  std::string origin;        ///< of the calls that opened it
  spark::Duration began{0};
  Step step = Step::starting;
  lightningd::ChannelId temporary_id;
  bitcoin::Sat amount;
  bitcoin::Msat push;
  bitcoin::Sat reserve;
  std::uint32_t feerate = 0;  ///< per 1,000 weight units; for channels without anchors
  util::Bytes script;
  std::optional<std::string> close_to;
  std::string channel_type;
  std::uint32_t mindepth = 3;
  bool announce = true;
  bool withhold = false;
  bitcoin::Outpoint funding;
  util::SharedText psbt;
  Reply command;               ///< the pending start or complete
  std::vector<Reply> cancels;  ///< queued fundchannel_cancel commands
};

/// A channel as its peer has written it down.
struct KeptChannel {
  bitcoin::Outpoint funding;
  std::uint32_t since = 0;  ///< height
};

/// One peer as lightningd sees it, and how it behaves.
struct Peer {
  PeerSetup setup;
  lightningd::NodeId id;
  std::uint16_t port = 0;

  bool connected = false;
  bool connecting = false;
  std::uint64_t connection = 0;  ///< counts connections, so that timers know an old one
  int failures = 0;              ///< connection attempts in a row
  bool frozen = false;           ///< has gone silent: takes part in no goodbye either
  std::optional<Opening> opening;
  std::list<Channel> channels;
  std::vector<Reply> connects;
  std::vector<Reply> disconnects;
  bool dead = false;              ///< for good: from now on the faults of the phase `connect` are all of it
  bool pinging = false;           ///< it owes a pong
  std::vector<KeptChannel> kept;  ///< of a kind that keeps what it was told

  /// lightningd has an object for it.
  [[nodiscard]] bool known() const { return connected || opening || !channels.empty(); }
  /// The peer's behaviour in this phase; one that is due only once is used up.
  [[nodiscard]] std::optional<Fault> take_fault(Phase phase);
  [[nodiscard]] bool offers(std::size_t feature) const;
  [[nodiscard]] std::string address() const;
};

/// All peers there are. They keep their addresses for the life of the simulation.
class Peers {
 public:
  Peers(Random& random, const Setup& setup);

  [[nodiscard]] std::deque<Peer>& all() { return peers_; }
  [[nodiscard]] const std::deque<Peer>& all() const { return peers_; }
  [[nodiscard]] Peer* find(const lightningd::NodeId& id);
  [[nodiscard]] Peer* by_name(std::string_view name);
  [[nodiscard]] Channel* find_channel(const bitcoin::Outpoint& funding);
  /// The channel with this id and its peer.
  [[nodiscard]] std::pair<Peer*, Channel*> find_channel(const lightningd::ChannelId& id);
  /// Both sides offer the feature (even bit given).
  [[nodiscard]] const lightningd::Features& ours() const { return ours_; }
  [[nodiscard]] bool negotiated(const Peer& peer, std::size_t feature) const;
  /// lightningd's own reason to keep the emergency reserve.
  [[nodiscard]] bool have_anchor_channel() const;

 private:
  void add(Random& random, const PeerSetup& setup, std::uint32_t height);

  lightningd::Features ours_;
  std::deque<Peer> peers_;
  std::map<lightningd::NodeId, Peer*> by_id_;
};

}  // namespace sim
