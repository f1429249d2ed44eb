#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "sim/peer_kind.hpp"
#include "spark/runtime.hpp"

namespace sim {

/// When a peer misbehaves. `started` is the wait between fundchannel_start and fundchannel_complete,
/// `opened` the time after fundchannel_complete.
enum class Phase { connect, start, started, complete, opened };

/// How it does so. In the phase `connect`, refuse means that nobody listens. In `opened`, refuse means
/// an error for the new channel, which makes lightningd forget a withheld one. `reminds` is a disconnect for which the
/// peer is not to blame: it wants to go on with a channel that our node has lost, and lightningd hangs up.
enum class Kind { refuse, disconnect, silent, reminds };

struct Fault {
  Phase phase = Phase::connect;
  Kind kind = Kind::refuse;
  bool once = false;               ///< only the first time
  spark::Duration after{0};        ///< phases started and opened: how long after they begin
  std::string text = "not today";  ///< what the peer says when it refuses
};

/// A channel that the peer and we have before anything happens: none of the plugin's business.
struct ChannelSetup {
  std::string state = "CHANNELD_NORMAL";
  bool opened_by_us = true;
  bool withheld = false;
  bitcoin::Sat amount{1'000'000};
};

struct PeerSetup {
  /// What a lightningd v26.06.6 offers, without option_dual_fund: wumbo, anchors, ...
  static constexpr const char* default_features = "0898880a8a59a1";

  std::string name;
  spark::Duration delay{1};                 ///< one way
  bool connected = false;                   ///< before anything happens
  bool address_known = true;                ///< from gossip; else `connect` needs a host
  std::string features = default_features;  ///< beside those of its kind
  std::vector<Fault> faults;
  std::vector<ChannelSetup> channels;
  PeerKind kind = PeerKind::cln;
};

enum class ScriptKind { p2wpkh, p2tr, p2sh_p2wpkh };

struct CoinSetup {
  bitcoin::Sat amount{100'000'000};
  bool confirmed = true;
  ScriptKind kind = ScriptKind::p2wpkh;
  std::uint32_t reserved_by_others = 0;  ///< blocks for which another program has reserved it
};

/// What becomes of a transaction that is sent.
enum class Broadcast {
  works,
  fails,          ///< an error, and nothing was sent: bitcoind is down
  hides_success,  ///< an error, although the transaction is in the mempool
  never_answers,  ///< it is in the mempool, and the reply never comes
  refused,        ///< bitcoind does not want it, this time
  hangs,          ///< bitcoind takes a while, then it works
  ghost,          ///< bitcoind takes longer than its client waits: an error, and later it is sent all the same
};

/// What goes wrong with a call of the plugin's to lightningd.
enum class Mishap {
  reply_lost,  ///< it is carried out, and the reply never comes
  stuck,       ///< it is never carried out and never answered
  late,        ///< it is carried out at once, and the reply comes `delay` later
  held_up,     ///< it is carried out `delay` later
  unreadable,  ///< it is carried out, and the reply is JSON of another shape
  refused,     ///< an error, and it is not carried out
  unknown,     ///< error -32601
  cut,         ///< it is carried out, and the connection closes, with every reply that is pending
  another,     ///< of signpsbt: the reply is well, but holds another transaction
  repeats,     ///< an error that repeats the PSBT that it got, in one of several wordings; it is not carried out
  cut_first,   ///< the connection closes, and it is carried out `delay` later
};

struct RpcFault {
  Mishap what = Mishap::reply_lost;
  std::string method;        ///< empty: any
  std::uint64_t from = 1;    ///< the first call of the method that goes wrong...
  std::uint64_t count = 1;   ///< ...and how many do
  std::uint64_t one_in = 1;  ///< of those only so many, as drawn
  spark::Duration delay{0};
  int code = -1;  ///< of a refusal
  std::string text = "an error that nobody expects";
};

/// What others do, whom the plugin knows nothing of.
enum class Deed {
  mine,        ///< `number` blocks
  unreserve,   ///< frees a coin of the wallet, whoever has reserved it
  take,        ///< the same, and reserves it for `number` blocks
  spend,       ///< the same, and spends it
  open,        ///< another opening with the peer, in which nothing more happens
  open_fully,  ///< the same up to a channel that awaits its lock-in
  incoming,    ///< the peer opens a channel to us
  give_up,     ///< ends the opening of `open`
  floor,       ///< the mempool takes nothing below `number` sat per 1,000 weight any more
};

struct Act {
  spark::Duration at{0};  ///< after the world began
  Deed deed = Deed::mine;
  std::size_t target = 0;  ///< number of the coin or the peer, modulo how many there are
  std::uint32_t number = 1;
};

/// What is written into the datastore by others than the plugin.
enum class Forgery {
  junk,              ///< a record that is broken somewhere
  unsealed,          ///< one as the plugin writes it, without the mac
  sealed_elsewhere,  ///< with the mac of another node
  old_format,        ///< as the version before wrote it, which knew no mac
  damaged,           ///< one of the plugin's own, changed
  moved,             ///< one of the plugin's own, under another name
  replayed,          ///< what one of the plugin's own was before, put back
  deleted,           ///< one of the plugin's own is not there any more
  colluding,         ///< sealed by this node's key, for a transaction that funds no channel of ours as it should
  giving_up,         ///< sealed by this node's key, for an abort that pays nobody we know
};

struct Intrusion {
  spark::Duration at{0};  ///< after the world began; 0: before the plugin's first start
  Forgery what = Forgery::junk;
};

/// How a process ends: by kill -9, or asked to, as `plugin stop` and `lightning-cli stop` do. lightningd
/// takes the plugin with it.
enum class End { kill_plugin, kill_lightningd, stop_plugin, stop_lightningd };

/// Ends the plugin, or lightningd with it, and starts it again later.
struct Kill {
  std::uint64_t event = 0;  ///< after so many events since the plugin was ready...
  End how = End::kill_plugin;
  spark::Duration down{0};
  std::string method;  ///< ...and, if there is one, not before lightningd was asked for this
};

/// Everything that makes one simulated world, apart from the calls that are made in it.
struct Setup {
  std::uint64_t seed = 1;
  std::vector<CoinSetup> coins = std::vector<CoinSetup>(1);
  std::vector<bitcoin::Sat> users_coins;  ///< of another wallet, see UsersWallet
  std::vector<PeerSetup> peers;
  Broadcast broadcast = Broadcast::works;  ///< of every attempt after those of `broadcasts`
  std::vector<Broadcast> broadcasts;       ///< of the first attempts
  std::vector<RpcFault> rpc_faults;
  std::uint64_t corrupt_one_in = 0;  ///< of so many messages to the plugin one is damaged; 0: none
  std::vector<Act> acts;
  std::vector<Intrusion> intrusions;
  std::vector<Kill> kills;          ///< in the order of their events
  bool greedy = false;              ///< another user takes at once what lightningd frees for a peer's error
  spark::Duration read_delay{0};    ///< up to this much until lightningd comes to a request of the plugin's
  spark::Duration reply_delay{0};   ///< of every RPC
  spark::Duration reply_jitter{0};  ///< up to this much is added, drawn from the seed
  std::uint32_t height = 110;
  bitcoin::Sat emergency{25'000};                      ///< min-emergency-msat
  std::uint32_t opening_feerate = 7500;                ///< sat per 1,000 weight
  std::uint32_t feerate_floor = 253;                   ///< what the mempool takes, likewise
  bool synced = true;                                  ///< else getinfo warns
  std::uint32_t unseen_blocks = 0;                     ///< that bitcoind has and lightningd has not heard of
  std::uint32_t getinfo_lag = 0;                       ///< blocks by which what it shows is behind
  bool spenderp = true;                                ///< the builtin owns the name multifundchannel
  std::string features = PeerSetup::default_features;  ///< ours
  std::map<std::string, std::string> options;          ///< of the plugin: name to JSON text
  std::string version = "v26.06.6";
  bool trace = false;  ///< the log holds what happens beside the plugin's own lines
};

}  // namespace sim
