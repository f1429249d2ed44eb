#include "lightningd/channel.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lightningd/fields.hpp"

namespace lightningd {

namespace {

constexpr std::array names{std::pair{ChannelState::opening, "OPENINGD"},
                           std::pair{ChannelState::awaiting_lockin, "CHANNELD_AWAITING_LOCKIN"},
                           std::pair{ChannelState::normal, "CHANNELD_NORMAL"},
                           std::pair{ChannelState::awaiting_splice, "CHANNELD_AWAITING_SPLICE"},
                           std::pair{ChannelState::shutting_down, "CHANNELD_SHUTTING_DOWN"},
                           std::pair{ChannelState::closing_by_agreement, "CLOSINGD_SIGEXCHANGE"},
                           std::pair{ChannelState::awaiting_unilateral, "AWAITING_UNILATERAL"},
                           std::pair{ChannelState::funding_spend_seen, "FUNDING_SPEND_SEEN"},
                           std::pair{ChannelState::onchain, "ONCHAIN"},
                           std::pair{ChannelState::closed, "CLOSED"}};

}  // namespace

const char* name_of(ChannelState state) {
  const auto* found =
      std::find_if(names.begin(), names.end(), [state](const auto& name) { return name.first == state; });
  return found == names.end() ? "unknown" : found->second;
}

ChannelState channel_state_named(std::string_view name) {
  const auto* found =
      std::find_if(names.begin(), names.end(), [name](const auto& known) { return known.second == name; });
  return found == names.end() ? ChannelState::unknown : found->first;
}

bool PeerChannel::is_in_use() const {
  return state == ChannelState::normal || state == ChannelState::awaiting_splice ||
         state == ChannelState::shutting_down || state == ChannelState::closing_by_agreement;
}

bool PeerChannel::is_dead() const {
  return state == ChannelState::awaiting_unilateral || state == ChannelState::funding_spend_seen ||
         state == ChannelState::onchain || state == ChannelState::closed;
}

util::Result<PeerChannel> read_channel(const json::Value& object) {
  Fields fields(object);
  PeerChannel channel;
  channel.peer = fields.id<NodeId>("peer_id");
  channel.state = channel_state_named(fields.text("state"));
  if (fields.has("peer_connected")) channel.peer_connected = fields.boolean("peer_connected");
  if (fields.has("channel_id")) channel.channel_id = fields.id<ChannelId>("channel_id");
  if (fields.has("funding_txid") && fields.has("funding_outnum")) {
    channel.funding = bitcoin::Outpoint{fields.id<bitcoin::Txid>("funding_txid"), fields.u32("funding_outnum")};
  }
  if (fields.has("total_msat")) channel.total = fields.sat("total_msat");
  if (fields.has("opener")) channel.opened_by_us = fields.text("opener") == "local";
  if (fields.has("short_channel_id")) channel.short_channel_id = fields.text("short_channel_id");
  if (const auto funding = object.find("funding"); funding && funding->find("withheld")) {
    const auto withheld = funding->boolean("withheld");
    if (!withheld.ok()) return withheld.error();
    channel.withheld = *withheld;
    channel.released = !*withheld;
  }
  return fields.finish(std::move(channel));
}

}  // namespace lightningd
