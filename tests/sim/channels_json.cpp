#include <algorithm>

#include "sim/channels.hpp"
#include "sim/feerates.hpp"
#include "util/str.hpp"

namespace sim {

void Channels::listpeerchannels(Params& params, Reply reply) {
  const auto peer_id = params.find("id") ? std::optional(params.node_id("id")) : std::nullopt;
  const std::string channel_id = params.text("channel_id");
  if (params.error()) return reply.finish(*params.error());
  if (channel_id.empty()) core_.monitor.looked(core_.asked.origin, peer_id, core_.runtime.now());
  const bool with_psbt = params.filter().wants({"channels", "funding", "psbt"});
  json::Writer writer;
  writer.object().key("channels").array();
  for (const auto& peer : core_.peers.all()) {
    if (peer_id && peer.id != *peer_id) continue;
    if (peer.opening && channel_id.empty()) write_opening(writer, peer);
    for (const auto& channel : peer.channels) {
      if (channel_id.empty() || channel_id == channel.id.hex()) write_channel(writer, peer, channel, with_psbt);
    }
  }
  reply.succeed(writer.end().end().take());
}

void Channels::write_opening(json::Writer& writer, const Peer& peer) const {
  const Opening& opening = *peer.opening;
  const auto total = to_msat(opening.amount).value;
  writer.object().field("peer_id", peer.id.hex()).field("peer_connected", peer.connected);
  writer.raw_field("channel_type", opening.channel_type).field("state", "OPENINGD");
  writer.field("owner", "lightning_openingd").field("opener", "local");
  writer.key("status").array().value("Funding channel: waiting").end();
  writer.field("to_us_msat", total - opening.push.value).field("total_msat", total);
  writer.key("features").array().value("option_static_remotekey").end().end();
}

void Channels::write_channel(json::Writer& writer, const Peer& peer, const Channel& channel, bool with_psbt) const {
  const auto total = to_msat(channel.amount).value;
  const auto ours = channel.opened_by_us ? total - channel.push.value : channel.push.value;
  writer.object().field("peer_id", peer.id.hex()).field("peer_connected", peer.connected);
  if (peer.connected) writer.field("reestablished", true);
  writer.raw_field("channel_type", channel.channel_type).field("state", channel.state);
  writer.field("lost_state", false).key("feerate").object();
  writer.field("perkw", Feerates::floor).field("perkb", Feerates::floor * 4).end();
  if (peer.connected) writer.field("owner", "channeld");
  if (!channel.short_channel_id.empty()) writer.field("short_channel_id", channel.short_channel_id);
  writer.field("channel_id", channel.id.hex()).field("funding_txid", channel.funding.txid.hex());
  writer.field("funding_outnum", channel.funding.vout);
  if (channel.close_to) writer.field("close_to_addr", *channel.close_to);
  writer.field("private", !channel.announce).field("opener", channel.opened_by_us ? "local" : "remote");
  writer.key("features").array().value("option_static_remotekey").end();
  writer.key("funding").object();
  writer.field("local_funds_msat", channel.opened_by_us ? total : 0);
  writer.field("remote_funds_msat", channel.opened_by_us ? 0 : total).field("pushed_msat", channel.push.value);
  if (channel.psbt && with_psbt) writer.field("psbt", *channel.psbt);
  if (core_.can_withhold()) writer.field("withheld", channel.withheld);
  writer.end();
  writer.field("to_us_msat", ours).field("total_msat", total);
  writer.field("fee_base_msat", channel.fee_base).field("fee_proportional_millionths", channel.fee_ppm);
  writer.key("updates").object().key("local").object();
  writer.field("htlc_minimum_msat", channel.htlc_min.value);
  writer.field("htlc_maximum_msat", channel.htlc_max.value_or(channel.most()).value);
  writer.field("fee_base_msat", channel.fee_base).field("fee_proportional_millionths", channel.fee_ppm).end().end();
  writer.key("htlcs").array().end().end();
}

void Channels::announce_state(const Peer& peer, const Channel& channel, const std::string& old_state,
                              const std::string& state) {
  json::Writer writer;
  writer.object().field("peer_id", peer.id.hex()).field("channel_id", channel.id.hex());
  writer.field("timestamp", "2026-01-01T00:00:00.000Z");
  if (!old_state.empty()) writer.field("old_state", old_state);
  writer.field("new_state", state).field("cause", "user").field("message", "simulated").end();
  core_.publish("channel_state_changed", writer.take());
}

}  // namespace sim
