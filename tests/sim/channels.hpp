#pragma once

#include <optional>
#include <string>

#include "json/writer.hpp"
#include "sim/connections.hpp"
#include "sim/core.hpp"

namespace sim {

/// Channels from fundchannel_complete on: listpeerchannels, close, setchannel, cancelling. A part of
/// the node.
class Channels {
 public:
  Channels(Core& core, Connections& connections);

  /// The channel of an opening whose commitments are secured.
  Channel& commit(Peer& peer, const Opening& opening);
  /// A channel that the peer opened to us.
  void incoming(Peer& peer, bitcoin::Sat amount);
  /// After a block: what is deep enough is locked in.
  void lock_in();
  /// lightningd was killed: commands that waited are gone.
  void killed();
  /// lightningd starts: goes on with what was closing.
  void started();
  /// fundchannel_cancel after fundchannel_complete: takes the peer's first channel that awaits its
  /// lock-in, whichever that is.
  void cancel_before_broadcast(Peer& peer, const Asked& asked, Reply reply);
  /// channel_type as the replies show it: what was asked for, else what both sides like best.
  [[nodiscard]] std::string type_json(const Peer& peer, const std::optional<json::Value>& asked) const;

 private:
  void listpeerchannels(Params& params, Reply reply);
  void close(Params& params, Reply reply);
  void setchannel(Params& params, Reply reply);

  void write_opening(json::Writer& writer, const Peer& peer) const;
  void write_channel(json::Writer& writer, const Peer& peer, const Channel& channel, bool with_psbt) const;
  void checked_on_chain(Peer& peer, const lightningd::ChannelId& id, const Asked& asked);
  void close_channel(Peer& peer, Channel& channel, std::uint32_t timeout_seconds, Reply reply);
  void closed(Peer& peer, const lightningd::ChannelId& id, const char* type, const Asked& asked, Reply reply);
  /// Forgets a withheld channel and gives its inputs back whole, whoever else has reserved them.
  void drop_withheld(Peer& peer, const lightningd::ChannelId& id);
  /// Those of the wallet that its transaction spends.
  [[nodiscard]] std::vector<Coin*> inputs_of(const Channel& channel);
  void misbehave(Peer& peer, const Channel& channel);
  void peer_error(Peer& peer, const lightningd::ChannelId& id);
  void set_state(const Peer& peer, Channel& channel, const std::string& state);
  void announce_state(const Peer& peer, const Channel& channel, const std::string& old_state, const std::string& state);
  void forget(Peer& peer, const lightningd::ChannelId& id);

  Core& core_;
  Connections& connections_;
};

}  // namespace sim
