#pragma once

#include <deque>
#include <set>

#include "sim/core.hpp"

namespace sim {

/// connectd and lightningd's side of it: connect, disconnect, listpeers, reconnecting. A part of the
/// node.
///
/// connectd works on ten connections at a time. What waits is let in when another attempt fails,
/// when a channel's subdaemon attaches to a peer, and otherwise one a second.
class Connections {
 public:
  static constexpr std::size_t window = 10;

  explicit Connections(Core& core);

  /// The connection is gone: the opening dies with it, channels stay and reconnect.
  void lost(Peer& peer);
  /// The peer wants to go on with a channel that lightningd does not know: it logs that, tells the peer and hangs up.
  void reminded(Peer& peer);
  /// The peer is gone for good: its connection is lost, or it says nothing more.
  void die(Peer& peer, bool silently);
  /// lightningd was killed: nobody is connected any more.
  void killed();
  /// lightningd starts: it connects to everyone whom it has a channel with.
  void started();
  /// `check` of connect.
  [[nodiscard]] std::optional<util::Error> check(Params& params) const;
  /// An opening's subdaemon attached.
  void subdaemon_attached() { release_one(); }

 private:
  void connect(Params& params, Reply reply);
  void disconnect(Params& params, Reply reply);
  void listpeers(Params& params, Reply reply);
  void ping(Params& params, Reply reply);
  /// The ping that this one's answer goes to.
  std::shared_ptr<Reply> take_ping(const std::shared_ptr<Reply>& own);
  void getlog(Params& params, Reply reply);

  void attempt(Peer& peer);
  void begin(Peer& peer);
  void connected(Peer& peer);
  void failed(Peer& peer, int code, const std::string& message);
  void release_one();
  void watch_the_clock();
  /// As lightningd does for peers with channels: after a second, with each failure after twice as long.
  void reconnect_later(Peer& peer);

  Core& core_;
  std::set<const Peer*> attempts_;  // waiting ones too
  std::deque<Peer*> waiting_;
  std::deque<std::shared_ptr<Reply>> pings_;  // that are not answered
  bool ticking_ = false;
};

}  // namespace sim
