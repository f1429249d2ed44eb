#include "sim/node.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "sim/peer_side.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

constexpr std::size_t trace_size = 500;

std::string brief(const util::Result<std::string>& result) {
  return result ? result->substr(0, trace_size) : util::str(result.error().code, ' ', result.error().message);
}

}  // namespace

Node::Node(spark::Runtime& runtime, Setup setup)
    : core_(runtime, std::move(setup)),
      id_("02" + util::to_hex(core_.random.bytes(32))),
      feerates_(core_),
      wallet_rpc_(core_, feerates_),
      txprepare_(core_),
      sending_(core_),
      connections_(core_),
      channels_(core_, connections_),
      openings_(core_, feerates_, connections_, channels_),
      datastore_(core_),
      secrets_(core_),
      outsiders_(core_, sending_, channels_, openings_),
      intruders_(core_, datastore_, secrets_) {
  core_.methods.add("getinfo", "", [this](Params&, Reply reply) { reply.succeed(getinfo()); });
  core_.methods.add("getchaininfo", "[last_height]", [this](Params&, Reply reply) {
    const auto blocks = core_.wallet.height + core_.setup.unseen_blocks;
    json::Writer info;
    info.object().field("chain", "regtest").field("headercount", blocks).field("blockcount", blocks);
    reply.succeed(info.field("ibd", false).end().take());
  });
  core_.methods.add("check",
                    "command_to_check [id] [host] [port] [amount] [feerate] [announce] [close_to] [push_msat] "
                    "[mindepth] [reserve] [channel_type]",
                    [this](Params& params, Reply reply) { check(params, std::move(reply)); });
  core_.methods.add("help", "[command]", [this](Params& params, Reply reply) { help(params, std::move(reply)); });
  core_.methods.add("listconfigs", "[config]", [this](Params&, Reply reply) { reply.succeed(configs()); });
  core_.methods.add("sim-state", "", [this](Params&, Reply reply) { reply.succeed(state_json()); });
  core_.methods.add("sim-peers", "", [this](Params&, Reply reply) { reply.succeed(peers_json()); });
  core_.methods.add("sim-users-psbt", "", [this](Params&, Reply reply) {
    reply.succeed(json::Writer().object().field("psbt", core_.users.psbt(true)).end().take());
  });
  core_.methods.add("sim-users-sign", "psbt", [this](Params& params, Reply reply) {
    const auto psbt = params.text("psbt");
    if (params.error()) return reply.finish(*params.error());
    reply.succeed(json::Writer().object().field("psbt", core_.users.sign(psbt)).end().take());
  });
  // For a test of very many batches, while none runs: the channels go, and what is over is not remembered.
  core_.methods.add("sim-forget", "", [this](Params&, Reply reply) {
    for (auto& peer : core_.peers.all()) peer.channels.clear();
    core_.wallet.forget_spent();
    core_.monitor.forget_past();
    reply.succeed("{}");
  });
  core_.methods.add("sim-shutdown", "", [this](Params&, Reply reply) {
    core_.publish("shutdown", "{}");
    reply.succeed("{}");
  });
}

void Node::call(std::string_view method, const json::Value& params, const Filter& filter, Reply reply) {
  core_.trace("-> ", method, ' ', core_.setup.trace ? params.excerpt(trace_size) : "");
  const auto jitter = static_cast<std::uint64_t>(core_.setup.reply_jitter.count());
  const auto delay = core_.setup.reply_delay + spark::Duration(jitter == 0 ? 0 : core_.random.below(jitter + 1));
  auto waiting = std::make_shared<Reply>(std::move(reply));
  core_.methods.call(
      method, params, filter,
      Reply([this, delay, filter, waiting, name = std::string(method)](util::Result<std::string> result) {
        if (result) *result = filter.apply(std::move(*result));
        core_.trace("<- ", name, ' ', brief(result));
        auto answer = std::make_shared<util::Result<std::string>>(std::move(result));
        core_.after(delay, [waiting, answer] { waiting->finish(std::move(*answer)); });
      }));
}

void Node::kill() {
  ++core_.lives;
  core_.running = false;
  txprepare_.killed();
  connections_.killed();
  channels_.killed();
}

void Node::start() {
  core_.running = true;
  sending_.rebroadcast();
  channels_.lock_in();
  channels_.started();
  connections_.started();
}

void Node::recover() {
  core_.rpc_faults.stop();
  sending_.recover();
}

/// Of one command.
void Node::help(Params& params, Reply reply) {
  const auto command = params.text("command");
  if (!core_.methods.has(command)) {
    return reply.fail(lightningd::code::method_not_found, util::str("Unknown command '", command, "'"));
  }
  json::Writer writer;
  writer.object().key("help").array().object().field("command", core_.methods.usage(command)).end().end();
  reply.succeed(writer.field("format-hint", "simple").end().take());
}

/// Of the two commands that the plugin has checked.
void Node::check(Params& params, Reply reply) {
  const auto command = params.text("command_to_check");
  const bool connecting = command == "connect";
  if (!connecting && command != "fundchannel_start") params.bad("command_to_check", "is not modelled");
  if (params.error()) return reply.finish(*params.error());
  const auto error = connecting ? connections_.check(params) : openings_.check(params);
  if (error) return reply.finish(*error);
  reply.succeed(json::Writer().object().field("command_to_check", command).end().take());
}

std::string Node::getinfo() {
  core_.told_height = core_.wallet.height;
  std::size_t pending = 0, active = 0, peers = 0;
  for (const auto& peer : core_.peers.all()) {
    if (peer.known()) ++peers;
    for (const auto& channel : peer.channels) ++(channel.state == "CHANNELD_AWAITING_LOCKIN" ? pending : active);
  }
  json::Writer writer;
  writer.object().field("id", id_).field("alias", "SIMULATION").field("color", "02bf81");
  writer.field("num_peers", peers).field("num_pending_channels", pending).field("num_active_channels", active);
  writer.field("num_inactive_channels", 0).key("address").array().end().key("binding").array().end();
  writer.field("version", core_.setup.version)
      .field("blockheight", core_.wallet.height - core_.setup.getinfo_lag)
      .field("network", "regtest");
  writer.field("fees_collected_msat", 0).field("lightning-dir", "/simulated/regtest").key("our_features").object();
  writer.field("init", core_.setup.features)
      .field("node", core_.setup.features)
      .field("channel", "")
      .field("invoice", "");
  writer.end();
  if (!core_.setup.synced) writer.field("warning_lightningd_sync", "Still loading latest blocks from bitcoind.");
  return writer.end().take();
}

std::string Node::configs() const {
  json::Writer writer;
  writer.object().key("configs").object().key("min-emergency-msat").object();
  writer.field("value_msat", core_.setup.emergency.value * 1000).field("source", "default").end();
  writer.key("min-capacity-sat").object().field("value_int", 10'000).field("source", "default").end();
  return writer.end().end().take();
}

std::string Node::peers_json() const {
  json::Writer writer;
  writer.object();
  for (const auto& peer : core_.peers.all()) writer.field(peer.setup.name, peer.id.hex());
  return writer.end().take();
}

std::string Node::state_json() const {
  const auto& coins = core_.wallet.coins();
  const auto is_others = [this](const Coin& coin) {
    return core_.wallet.is_reserved(coin) && coin.others_until > core_.wallet.height;
  };
  const auto is_left = [this, &is_others](const Coin& coin) {
    return core_.wallet.is_reserved(coin) && !is_others(coin) && !core_.monitor.send_attempted(coin);
  };
  const auto& peers = core_.peers.all();
  json::Writer writer;
  writer.object();
  writer.field("reserved", std::count_if(coins.begin(), coins.end(), is_left));
  writer.field("reserved_foreign", std::count_if(coins.begin(), coins.end(), is_others));
  writer.field("openings",
               std::count_if(peers.begin(), peers.end(), [](const Peer& peer) { return peer.opening.has_value(); }));
  writer.key("channels").array();
  for (const auto& peer : peers) {
    for (const auto& channel : peer.channels) {
      writer.object()
          .field("peer", peer.setup.name)
          .field("channel_id", channel.id.hex())
          .field("state", channel.state);
      writer.field("withheld", channel.withheld).field("funding_txid", channel.funding.txid.hex());
      writer.field("outnum", channel.funding.vout)
          .field("sat", channel.amount.value)
          .field("foreign", channel.others)
          .end();
    }
  }
  writer.end().key("pending_at_peers").object();
  for (const auto& peer : peers) {
    if (const auto pending = pending_at(core_, peer); pending > 0) writer.field(peer.setup.name, pending);
  }
  writer.end().key("sent").array();
  for (const auto& txid : sending_.sent()) writer.value(txid.hex());
  writer.end().key("calls").object();
  for (const auto& [method, count] : core_.methods.calls()) writer.field(method, count);
  writer.end().key("log").array();
  for (const auto& line : core_.monitor.log()) writer.value(line);
  writer.end().key("violations").array();
  for (const auto& violation : core_.monitor.violations()) writer.value(violation);
  return writer.end().end().take();
}

}  // namespace sim
