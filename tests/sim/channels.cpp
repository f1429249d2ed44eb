#include "sim/channels.hpp"

#include <algorithm>

#include "lightningd/codes.hpp"
#include "lightningd/features.hpp"
#include "psbt/psbt.hpp"
#include "sim/peer_side.hpp"
#include "sim/wallet_rpc.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

namespace code = lightningd::code;
namespace feature = lightningd::feature;
using lightningd::ChannelId;

constexpr spark::Duration bitcoind_answers{1};
constexpr spark::Duration closing_goes_on{5000};
constexpr const char* awaiting_lockin = "CHANNELD_AWAITING_LOCKIN";
constexpr const char* shutting_down = "CHANNELD_SHUTTING_DOWN";
constexpr std::uint32_t zeroconf = 50;
constexpr const char* cancelled_after_complete =
    "{\"cancelled\":\"Channel open canceled by RPC(after fundchannel_complete)\"}";

std::string_view bit_name(std::uint64_t bit) {
  switch (bit) {
    case 12:
      return "static_remotekey/even";
    case 22:
      return "anchors/even";
    case 46:
      return "scid_alias/even";
    case zeroconf:
      return "zeroconf/even";
    default:
      return "unknown";
  }
}

Channel* find(Peer& peer, const ChannelId& id) {
  const auto found = std::find_if(peer.channels.begin(), peer.channels.end(),
                                  [&id](const Channel& channel) { return channel.id == id; });
  return found == peer.channels.end() ? nullptr : &*found;
}

}  // namespace

Channels::Channels(Core& core, Connections& connections) : core_(core), connections_(connections) {
  core.methods.add("listpeerchannels", "[id] [short_channel_id] [channel_id]",
                   [this](Params& params, Reply reply) { listpeerchannels(params, std::move(reply)); });
  core.methods.add("close",
                   "id [unilateraltimeout] [destination] [fee_negotiation_step] [wrong_funding] "
                   "[force_lease_closed] [feerange]",
                   [this](Params& params, Reply reply) { close(params, std::move(reply)); });
  core.methods.add("setchannel", "id [feebase] [feeppm] [htlcmin] [htlcmax] [enforcedelay] [ignorefeelimits]",
                   [this](Params& params, Reply reply) { setchannel(params, std::move(reply)); });
}

std::string Channels::type_json(const Peer& peer, const std::optional<json::Value>& asked) const {
  std::vector<std::uint64_t> bits{12};
  if (core_.peers.negotiated(peer, feature::anchors_zero_fee_htlc_tx)) bits.push_back(22);
  if (asked) {
    bits.clear();
    for (const auto& element : asked->elements()) bits.push_back(parse_number(token_text(element)).value_or(0));
  }
  json::Writer writer;
  writer.object().key("bits").array();
  for (const auto bit : bits) writer.value(bit);
  writer.end().key("names").array();
  for (const auto bit : bits) writer.value(bit_name(bit));
  return writer.end().end().take();
}

Channel& Channels::commit(Peer& peer, const Opening& opening) {
  Channel channel;
  channel.funding = opening.funding;
  channel.id = lightningd::v1_channel_id(opening.funding.txid, static_cast<std::uint16_t>(opening.funding.vout));
  channel.amount = opening.amount;
  channel.push = opening.push;
  channel.state = awaiting_lockin;
  channel.withheld = opening.withhold;
  if (core_.can_withhold()) channel.psbt = opening.psbt;
  channel.others = opening.others;
  channel.origin = opening.origin;
  channel.began = opening.began;
  channel.mindepth = opening.mindepth;
  channel.announce = opening.announce;
  channel.close_to = opening.close_to;
  channel.channel_type = opening.channel_type;
  peer.channels.push_back(std::move(channel));
  Channel& committed = peer.channels.back();
  announce_state(peer, committed, "", committed.state);
  if (opening.mindepth == 0 && opening.channel_type.find("zeroconf") != std::string::npos) {
    core_.after(peer.setup.delay * 2, [this, &peer, id = committed.id] {
      Channel* ready = find(peer, id);
      if (ready != nullptr && ready->state == awaiting_lockin) set_state(peer, *ready, "CHANNELD_NORMAL");
    });
  }
  if (!committed.others) misbehave(peer, committed);
  return committed;
}

void Channels::incoming(Peer& peer, bitcoin::Sat amount) {
  Channel channel;
  const auto txid = bitcoin::Txid::from_hex(util::to_hex(core_.random.bytes(32))).value();
  channel.funding = {txid, 0};
  channel.id = lightningd::v1_channel_id(txid, 0);
  channel.amount = amount;
  channel.state = awaiting_lockin;
  channel.opened_by_us = false;
  channel.others = true;
  channel.channel_type = type_json(peer, std::nullopt);
  peer.channels.push_back(std::move(channel));
  write_down(core_, peer, {txid, 0});
  announce_state(peer, peer.channels.back(), "", awaiting_lockin);
}

/// Whether others' channels are deep enough is drawn: their transactions are not simulated.
void Channels::lock_in() {
  for (auto& peer : core_.peers.all()) {
    for (auto& channel : peer.channels) {
      if (channel.state != awaiting_lockin) continue;
      const auto height = core_.chain.height(channel.funding.txid);
      const bool deep = height && *height + channel.mindepth <= core_.wallet.height + 1;
      if (!deep && !(channel.others && !channel.withheld && core_.random.one_in(4))) continue;
      channel.short_channel_id = util::str(height.value_or(core_.wallet.height), "x1x", channel.funding.vout);
      set_state(peer, channel, "CHANNELD_NORMAL");
    }
  }
}

void Channels::killed() {
  for (auto& peer : core_.peers.all()) {
    for (auto& channel : peer.channels) channel.forgets.clear();
  }
}

void Channels::started() {
  for (auto& peer : core_.peers.all()) {
    for (const auto& channel : peer.channels) {
      if (channel.state != shutting_down) continue;
      core_.after(closing_goes_on, [this, &peer, id = channel.id] { closed(peer, id, "mutual", {}, Reply()); });
    }
  }
}

void Channels::misbehave(Peer& peer, const Channel& channel) {
  const auto fault = peer.take_fault(Phase::opened);
  if (!fault) return;
  if (fault->kind == Kind::silent) {
    peer.frozen = true;
    return;
  }
  core_.after(fault->after + peer.setup.delay, [this, &peer, id = channel.id, kind = fault->kind] {
    if (!peer.connected) return;
    if (kind == Kind::refuse) return peer_error(peer, id);
    connections_.lost(peer);
  });
}

void Channels::peer_error(Peer& peer, const ChannelId& id) {
  Channel* channel = find(peer, id);
  if (channel == nullptr) return;
  if (channel->withheld) {
    const auto freed = inputs_of(*channel);
    core_.monitor.failing(*channel, core_.runtime.now());
    drop_withheld(peer, id);
    for (Coin* coin : freed) {
      if (core_.setup.greedy) core_.wallet.take(*coin, 30, core_.runtime.now());
    }
    return;
  }
  set_state(peer, *channel, "AWAITING_UNILATERAL");
}

void Channels::drop_withheld(Peer& peer, const ChannelId& id) {
  for (Coin* coin : inputs_of(*find(peer, id))) core_.wallet.free(*coin);
  forget(peer, id);
}

std::vector<Coin*> Channels::inputs_of(const Channel& channel) {
  const auto psbt = psbt::Psbt::from_base64(channel.psbt ? *channel.psbt : std::string_view());
  if (!psbt) return {};
  auto coins = WalletRpc::inputs_of(core_.wallet, *psbt);
  std::erase(coins, nullptr);
  return coins;
}

void Channels::cancel_before_broadcast(Peer& peer, const Asked& asked, Reply reply) {
  const auto first = std::find_if(peer.channels.begin(), peer.channels.end(),
                                  [](const Channel& channel) { return channel.state == awaiting_lockin; });
  if (first == peer.channels.end()) {
    return reply.fail(code::nothing_to_cancel,
                      util::str("No channels being opened or awaiting lock-in for peer_id ", peer.id.hex()));
  }
  if (!first->opened_by_us) {
    return reply.fail(code::cancel_unsafe, "Cannot cancel channel that was initiated by peer");
  }
  if (core_.known.contains(first->funding.txid)) {
    return reply.fail(code::cancel_unsafe,
                      "Has the funding transaction been broadcast? Please use `close` or `dev-fail` instead.");
  }
  first->forgets.push_back(std::move(reply));
  core_.after(bitcoind_answers, [this, &peer, id = first->id, asked] { checked_on_chain(peer, id, asked); });
}

void Channels::checked_on_chain(Peer& peer, const ChannelId& id, const Asked& asked) {
  Channel* channel = find(peer, id);
  if (channel == nullptr) return;
  auto forgets = std::exchange(channel->forgets, {});
  if (forgets.empty()) return;
  if (core_.chain.has(channel->funding.txid)) {
    for (auto& forget : forgets) {
      forget.fail(code::cancel_unsafe,
                  "The funding transaction has been broadcast, please consider `close` or `dev-fail`! ");
    }
    return;
  }
  core_.monitor.cancelling(peer, *channel, asked);
  this->forget(peer, id);
  for (auto& forget : forgets) {
    forget.succeed(cancelled_after_complete);
  }
}

void Channels::close(Params& params, Reply reply) {
  const std::string text = params.text("id");
  const auto timeout = params.number("unilateraltimeout", 48 * 3600);
  if (params.error()) return reply.finish(*params.error());
  if (const auto id = ChannelId::from_hex(text)) {
    const auto [peer, channel] = core_.peers.find_channel(*id);
    if (channel == nullptr) return reply.fail(code::invalid_params, util::str("Channel ID not found: '", text, "'"));
    return close_channel(*peer, *channel, timeout, std::move(reply));
  }
  const auto node = lightningd::NodeId::from_hex(text);
  Peer* peer = node ? core_.peers.find(*node) : nullptr;
  if (peer == nullptr || !peer->known()) {
    return reply.fail(code::invalid_params,
                      util::str("id: should be a channel ID or short channel ID: invalid token '", text, "'"));
  }
  std::vector<Channel*> live;
  for (auto& channel : peer->channels) {
    if (channel.is_live()) live.push_back(&channel);
  }
  if (live.size() > 1)
    return reply.fail(code::generic, "Peer has multiple channels: use channel_id or short_channel_id");
  if (live.size() == 1) return close_channel(*peer, *live[0], timeout, std::move(reply));
  if (!peer->opening) return reply.fail(code::generic, "Peer has no active channel");
  Opening killed = std::exchange(peer->opening, std::nullopt).value();
  core_.monitor.ending(*peer, killed, "close", core_.asked);
  killed.command.fail(code::generic, "close command called");
  reply.succeed(R"({"type":"unopened"})");
}

void Channels::close_channel(Peer& peer, Channel& channel, std::uint32_t timeout_seconds, Reply reply) {
  if (!channel.is_live()) {
    return reply.fail(code::invalid_params,
                      util::str("id: Channel in state ", channel.state, ": invalid token '", channel.id.hex(), "'"));
  }
  core_.monitor.ending(channel, "close");
  // Where it waits for its transaction, LND ignores a shutdown (peer/brontide.go, fetchActiveChanCloser).
  const bool deaf = channel.state == awaiting_lockin && habits_of(peer.setup.kind).keeps_told;
  set_state(peer, channel, shutting_down);
  const spark::Duration patience(std::uint64_t{timeout_seconds} * 1000), talk = peer.setup.delay * 4;
  const bool agrees = peer.connected && !peer.frozen && !deaf && talk < patience;
  const auto delay = agrees ? talk : patience;
  core_.after(delay, [this, &peer, id = channel.id, agrees, asked = core_.asked, reply = std::move(reply)]() mutable {
    closed(peer, id, agrees ? "mutual" : "unilateral", asked, std::move(reply));
  });
}

void Channels::closed(Peer& peer, const ChannelId& id, const char* type, const Asked& asked, Reply reply) {
  json::Writer writer;
  writer.object().key("txs").array().end().key("txids").array().end().field("type", type).end();
  Channel* channel = find(peer, id);
  if (channel != nullptr && channel->withheld) {
    for (Coin* coin : inputs_of(*channel)) core_.monitor.freeing(*coin, asked, core_.runtime.now());
    drop_withheld(peer, id);
  } else if (channel != nullptr) {
    set_state(peer, *channel, "AWAITING_UNILATERAL");
  }
  reply.succeed(writer.take());
}

void Channels::set_state(const Peer& peer, Channel& channel, const std::string& state) {
  announce_state(peer, channel, std::exchange(channel.state, state), state);
}

void Channels::forget(Peer& peer, const ChannelId& id) {
  Channel* channel = find(peer, id);
  announce_state(peer, *channel, channel->state, "CLOSED");
  peer.channels.remove_if([&id](const Channel& other) { return other.id == id; });
}

}  // namespace sim
