#include "sim/connections.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "sim/judgement.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

namespace code = lightningd::code;

constexpr int no_known_address = 400, all_addresses_failed = 401, disconnected_during = 402;
constexpr spark::Duration second{1000};
constexpr spark::Duration handshake_timeout{60'000};
constexpr spark::Duration longest_pause{300'000};
constexpr spark::Duration goodbye{1};
constexpr spark::Duration goodbye_to_the_silent{5000};  // connectd gives it that long
constexpr int handshake_crossings = 4;                  // of the line: Noise, then init

constexpr const char* openingd_died = "Owning subdaemon openingd died (62208)";

std::string connected_json(const Peer& peer) {
  json::Writer writer;
  writer.object().field("id", peer.id.hex()).field("features", peer.setup.features).field("direction", "out");
  writer.key("address").object().field("type", "ipv4").field("address", "127.0.0.1").field("port", peer.port).end();
  return writer.end().take();
}

std::optional<util::Error> judge_host(std::string_view id) {
  const auto at = id.find('@');
  return at == std::string_view::npos ? std::nullopt : judge_address(id.substr(at + 1));
}

void answer_all(std::vector<Reply>& replies, const util::Result<std::string>& result) {
  for (auto& reply : std::exchange(replies, {})) reply.finish(result);
}

}  // namespace

Connections::Connections(Core& core) : core_(core) {
  core.methods.add("connect", "id [host] [port]",
                   [this](Params& params, Reply reply) { connect(params, std::move(reply)); });
  core.methods.add("disconnect", "id [force]",
                   [this](Params& params, Reply reply) { disconnect(params, std::move(reply)); });
  core.methods.add("listpeers", "[id] [level]",
                   [this](Params& params, Reply reply) { listpeers(params, std::move(reply)); });
  core.methods.add("ping", "id [len] [pongbytes]",
                   [this](Params& params, Reply reply) { ping(params, std::move(reply)); });
  core.methods.add("getlog", "[level]", [this](Params& params, Reply reply) { getlog(params, std::move(reply)); });
  started();
}

void Connections::started() {
  for (auto& peer : core_.peers.all()) {
    if (!peer.connected && !peer.channels.empty()) reconnect_later(peer);
  }
}

void Connections::killed() {
  attempts_.clear();
  waiting_.clear();
  pings_.clear();
  ticking_ = false;
  for (auto& peer : core_.peers.all()) {
    peer.opening.reset();
    peer.connected = peer.connecting = peer.frozen = peer.pinging = false;
    peer.failures = 0;
    peer.connects.clear();
    peer.disconnects.clear();
  }
}

void Connections::connect(Params& params, Reply reply) {
  const std::string text = params.text("id");
  const auto at = text.find('@');
  const auto id = lightningd::NodeId::from_hex(std::string_view(text).substr(0, at));
  if (!id) params.bad("id", "should be a node id");
  if (params.error()) return reply.finish(*params.error());
  if (const auto error = judge_host(text)) return reply.finish(*error);
  const bool has_host = at != std::string::npos || params.find("host");
  Peer* peer = core_.peers.find(*id);
  if (peer == nullptr || (!has_host && !peer->setup.address_known && !peer->connected)) {
    return reply.fail(no_known_address, "Unable to connect, no address known for peer");
  }
  if (peer->connected) return reply.succeed(connected_json(*peer));
  peer->connects.push_back(std::move(reply));
  attempt(*peer);
}

std::optional<util::Error> Connections::check(Params& params) const {
  const std::string text = params.text("id");
  if (!lightningd::NodeId::from_hex(std::string_view(text).substr(0, text.find('@')))) {
    params.bad("id", "should be a node id");
  }
  return params.error() ? params.error() : judge_host(text);
}

void Connections::attempt(Peer& peer) {
  if (peer.connecting) return;
  peer.connecting = true;
  attempts_.insert(&peer);
  if (attempts_.size() <= window) return begin(peer);
  waiting_.push_back(&peer);
  watch_the_clock();
}

void Connections::begin(Peer& peer) {
  const auto fault = peer.take_fault(Phase::connect);
  if (!fault) {
    core_.after(peer.setup.delay * handshake_crossings, [this, &peer] { peer.dead ? begin(peer) : connected(peer); });
    return;
  }
  const std::string where = util::str("All addresses failed: ", peer.address(), ": ");
  switch (fault->kind) {
    case Kind::refuse:
      core_.after(peer.setup.delay * 2, [this, &peer, where] {
        failed(peer, all_addresses_failed, where + "Connection establishment: Connection refused. ");
      });
      return;
    case Kind::disconnect:
    case Kind::reminds:
      core_.after(peer.setup.delay * 2, [this, &peer, where] {
        failed(peer, all_addresses_failed, where + "Cryptographic handshake: peer closed connection (wrong key?). ");
      });
      return;
    case Kind::silent:
      core_.after(handshake_timeout, [this, &peer, where] {
        failed(peer, all_addresses_failed, where + "Cryptographic handshake: Connection timed out. ");
      });
      return;
  }
}

void Connections::connected(Peer& peer) {
  peer.connecting = false;
  peer.connected = true;
  peer.frozen = false;
  peer.failures = 0;
  ++peer.connection;
  attempts_.erase(&peer);
  answer_all(peer.connects, connected_json(peer));
}

void Connections::failed(Peer& peer, int code, const std::string& message) {
  peer.connecting = false;
  ++peer.failures;
  attempts_.erase(&peer);
  answer_all(peer.connects, util::Error{code, message, ""});
  if (!peer.channels.empty()) reconnect_later(peer);
  release_one();
}

void Connections::release_one() {
  if (waiting_.empty()) return;
  Peer* next = waiting_.front();
  waiting_.pop_front();
  begin(*next);
}

/// The real timer always runs; this one only while somebody waits, at the same whole seconds.
void Connections::watch_the_clock() {
  if (ticking_) return;
  ticking_ = true;
  core_.after(second - core_.runtime.now() % second, [this] {
    ticking_ = false;
    release_one();
    if (!waiting_.empty()) watch_the_clock();
  });
}

void Connections::reconnect_later(Peer& peer) {
  const auto delay = std::min(second * (1 << std::min(peer.failures, 10)), longest_pause);
  core_.after(delay, [this, &peer] {
    if (!peer.connected && !peer.channels.empty()) attempt(peer);
  });
}

void Connections::disconnect(Params& params, Reply reply) {
  const auto id = lightningd::NodeId::from_hex(params.text("id"));
  if (!id) params.bad("id", "invalid peer id");
  const bool force = params.flag("force", false);
  if (params.error()) return reply.finish(*params.error());
  Peer* peer = core_.peers.find(*id);
  if (peer == nullptr || !peer->known()) {
    return reply.fail(code::invalid_params, util::str("Unknown peer '", id->hex(), "'"));
  }
  if (!peer->connected) return reply.fail(code::generic, "Peer not connected");
  const auto live = std::find_if(peer->channels.begin(), peer->channels.end(),
                                 [](const Channel& channel) { return channel.is_live(); });
  if (live != peer->channels.end() && !force) {
    return reply.fail(code::generic, util::str("Peer has (at least one) channel in state ", live->state));
  }
  // Only the pending start or complete fails; cancels queued behind it are dropped unanswered.
  if (peer->opening) {
    Opening killed = std::exchange(peer->opening, std::nullopt).value();
    core_.monitor.ending(*peer, killed, "disconnect", core_.asked);
    killed.command.fail(code::generic, "disconnect command");
  }
  peer->disconnects.push_back(std::move(reply));
  core_.after(peer->frozen ? goodbye_to_the_silent : goodbye, [this, peer, connection = peer->connection] {
    if (peer->connected && peer->connection == connection) lost(*peer);
  });
}

void Connections::lost(Peer& peer) {
  peer.connected = peer.pinging = false;
  if (auto opening = std::exchange(peer.opening, std::nullopt)) opening->command.fail(code::generic, openingd_died);
  answer_all(peer.connects, util::Error{disconnected_during, "disconnected during connection", ""});
  core_.publish("disconnect", json::Writer().object().field("id", peer.id.hex()).end().take());
  answer_all(peer.disconnects, std::string("{}"));
  if (!peer.channels.empty()) reconnect_later(peer);
}

void Connections::die(Peer& peer, bool silently) {
  peer.dead = true;
  peer.setup.faults = {{Phase::connect, silently ? Kind::silent : Kind::refuse}};
  if (silently) {
    peer.frozen = true;
  } else if (peer.connected) {
    lost(peer);
  }
}

void Connections::reminded(Peer& peer) {
  const auto channel = util::to_hex(core_.random.bytes(32));
  core_.log.push_back({peer.id.hex(), channel[0] < '8'
                                          ? util::str("Unknown channel ", channel, " for WIRE_CHANNEL_REESTABLISH")
                                          : util::str("Responded to reestablish for long-closed channel ", channel)});
  lost(peer);
}

/// Nothing that happens to the connection answers it: lightningd waits for the pong. It asks connectd about a peer that
/// it knows, connected or not, and has one wording for whatever connectd does not send (lightningd/ping.c and
/// send_manual_ping in connectd/multiplex.c, v26.06.6). Before v25.09 its answer goes to the oldest ping, whoever that
/// was for.
void Connections::ping(Params& params, Reply reply) {
  constexpr std::uint32_t longest = 65'529, no_pong = 65'532, pong_header = 4;
  const auto id = params.node_id("id");
  const auto length = params.number("len", 128), pong = params.number("pongbytes", 128);
  if (params.error()) return reply.finish(*params.error());
  if (length > longest) {
    return reply.fail(code::invalid_params, util::str(length, " would result in oversize ping"));
  }
  if (pong > 65'535) return reply.fail(code::invalid_params, util::str("pongbytes ", pong, " > 65535"));
  Peer* peer = core_.peers.find(id);
  if (peer == nullptr) return reply.fail(code::generic, "Peer not connected");
  const bool refused = !peer->connected || peer->pinging;
  const auto number = core_.monitor.pinging(*peer, refused, core_.asked);
  if (refused && !peer->known()) return reply.fail(code::generic, "Peer not connected");
  auto own = std::make_shared<Reply>(std::move(reply));
  pings_.push_back(own);
  if (refused) return take_ping(own)->fail(code::generic, "Ping already pending");
  if (pong >= no_pong) return take_ping(own)->succeed(R"({"totlen":0})");
  peer->pinging = true;
  core_.after(peer->setup.delay * 2,
              [this, peer, number, connection = peer->connection, length = pong + pong_header, own = std::move(own)] {
                if (!peer->connected || peer->frozen || peer->connection != connection) return;
                peer->pinging = false;
                core_.monitor.ponged(number, core_.runtime.now());
                take_ping(own)->succeed(json::Writer().object().field("totlen", length).end().take());
              });
}

std::shared_ptr<Reply> Connections::take_ping(const std::shared_ptr<Reply>& own) {
  const auto found = core_.tells_pongs_apart() ? std::find(pings_.begin(), pings_.end(), own) : pings_.begin();
  if (found == pings_.end()) return own;
  auto taken = *found;
  pings_.erase(found);
  return taken;
}

void Connections::getlog(Params& params, Reply reply) {
  (void)params.text("level", "info");
  if (params.error()) return reply.finish(*params.error());
  json::Writer writer;
  writer.object().field("created_at", "1").field("bytes_used", 0u).field("bytes_max", 0u).key("log").array();
  writer.object().field("type", "SKIPPED").field("num_skipped", 7u).end();
  for (const auto& line : core_.log) {
    writer.object().field("type", "INFO").field("time", "1");
    if (!line.peer.empty()) writer.field("node_id", line.peer);
    writer.field("source", "lightningd").field("log", line.text).end();
  }
  reply.succeed(writer.end().end().take());
}

void Connections::listpeers(Params& params, Reply reply) {
  const auto wanted = params.find("id") ? std::optional(params.node_id("id")) : std::nullopt;
  if (params.error()) return reply.finish(*params.error());
  json::Writer writer;
  writer.object().key("peers").array();
  for (const auto& peer : core_.peers.all()) {
    if (!peer.known() || (wanted && peer.id != *wanted)) continue;
    writer.object().field("id", peer.id.hex()).field("connected", peer.connected);
    writer.field("num_channels", peer.channels.size() + (peer.opening ? 1 : 0));
    if (peer.connected) {
      writer.key("netaddr").array().value(peer.address()).end().field("features", peer.setup.features);
    }
    writer.end();
  }
  reply.succeed(writer.end().end().take());
}

}  // namespace sim
