#include <algorithm>

#include "lightningd/codes.hpp"
#include "sim/channels.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

/// Of what setchannel changes; nothing: it stays.
struct Change {
  std::optional<std::uint32_t> base;
  std::optional<std::uint32_t> ppm;
  std::optional<bitcoin::Msat> least;
  std::optional<bitcoin::Msat> most;
};

Change read_change(Params& params) {
  Change change;
  if (params.find("feebase")) {
    const auto base = params.msat("feebase").value;
    if (base > UINT32_MAX) params.bad("feebase", "exceeds u32 max");
    change.base = static_cast<std::uint32_t>(base);
  }
  if (params.find("feeppm")) change.ppm = params.number("feeppm");
  if (params.find("htlcmin")) change.least = params.msat("htlcmin");
  if (params.find("htlcmax")) change.most = params.msat("htlcmax");
  return change;
}

void write_changed(json::Writer& writer, const Peer& peer, Channel& channel, const Change& change) {
  const bool too_high = change.most && *change.most > channel.most();
  channel.fee_base = change.base.value_or(channel.fee_base);
  channel.fee_ppm = change.ppm.value_or(channel.fee_ppm);
  channel.htlc_min = change.least.value_or(channel.htlc_min);
  if (change.most) channel.htlc_max = std::min(*change.most, channel.most());
  writer.object().field("peer_id", peer.id.hex()).field("channel_id", channel.id.hex());
  writer.field("fee_base_msat", channel.fee_base).field("fee_proportional_millionths", channel.fee_ppm);
  writer.field("minimum_htlc_out_msat", channel.htlc_min.value);
  writer.field("maximum_htlc_out_msat", channel.htlc_max.value_or(channel.most()).value);
  writer.field("ignore_fee_limits", false);
  if (too_high) writer.field("warning_htlcmax_too_high", "Set maximum_htlc_out_msat to maximum possible in channel");
  writer.end();
}

}  // namespace

// By a channel's id that channel, by a peer's all of the peer's, and "all".
void Channels::setchannel(Params& params, Reply reply) {
  const std::string id = params.text("id");
  const Change change = read_change(params);
  if (params.error()) return reply.finish(*params.error());
  if (change.least && change.most && *change.most < *change.least) {
    return reply.fail(lightningd::code::generic, "htlcmax cannot be less than htlcmin");
  }
  std::size_t found = 0;
  json::Writer writer;
  writer.object().key("channels").array();
  for (auto& peer : core_.peers.all()) {
    for (auto& channel : peer.channels) {
      const bool named = id == channel.id.hex();
      if (id != "all" && id != peer.id.hex() && !named) continue;
      const bool can = channel.state == "CHANNELD_NORMAL" || channel.state == "CHANNELD_AWAITING_LOCKIN";
      if (!can && named) params.bad("id", util::str("Channel in state ", channel.state));
      if (!can) continue;
      if (channel.others) core_.monitor.violation(Invariant::others_untouched, "setchannel of a channel not ours");
      write_changed(writer, peer, channel, change);
      ++found;
    }
  }
  if (found == 0) params.bad("id", "Channel id not found");
  if (params.error()) return reply.finish(*params.error());
  reply.succeed(writer.end().end().take());
}

}  // namespace sim
