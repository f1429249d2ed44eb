#include "sim/peers.hpp"

#include <algorithm>

#include "lightningd/features.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

constexpr std::uint16_t first_port = 20'000;

bitcoin::Txid random_txid(Random& random) { return bitcoin::Txid::from_hex(util::to_hex(random.bytes(32))).value(); }

Channel make_channel(Random& random, const ChannelSetup& setup) {
  Channel channel;
  channel.funding = {random_txid(random), static_cast<std::uint32_t>(random.below(3))};
  channel.id = lightningd::v1_channel_id(channel.funding.txid, static_cast<std::uint16_t>(channel.funding.vout));
  channel.amount = setup.amount;
  channel.state = setup.state;
  channel.opened_by_us = setup.opened_by_us;
  channel.withheld = setup.withheld;
  channel.others = true;
  if (setup.state == "CHANNELD_NORMAL") channel.short_channel_id = "103x1x0";
  channel.channel_type = R"({"bits":[12],"names":["static_remotekey/even"]})";
  return channel;
}

/// The features in hex, with these bits set.
std::string with_bits(const std::string& features, const std::vector<std::size_t>& bits) {
  auto bytes = util::from_hex(features).value_or(util::Bytes());
  for (const auto bit : bits) {
    if (bytes.size() <= bit / 8) bytes.insert(bytes.begin(), bit / 8 + 1 - bytes.size(), 0);
    bytes[bytes.size() - 1 - bit / 8] |= static_cast<std::uint8_t>(1u << bit % 8);
  }
  return util::to_hex(bytes);
}

}  // namespace

std::optional<Fault> Peer::take_fault(Phase phase) {
  const auto found = std::find_if(setup.faults.begin(), setup.faults.end(),
                                  [phase](const Fault& fault) { return fault.phase == phase; });
  if (found == setup.faults.end()) return std::nullopt;
  Fault fault = *found;
  if (fault.once) setup.faults.erase(found);
  return fault;
}

bool Peer::offers(std::size_t feature) const {
  const auto features = lightningd::Features::from_hex(setup.features);
  return features && features->offers(feature);
}

std::string Peer::address() const { return util::str("127.0.0.1:", port); }

Peers::Peers(Random& random, const Setup& setup)
    : ours_(lightningd::Features::from_hex(setup.features).value_or(lightningd::Features())) {
  for (const auto& peer : setup.peers) add(random, peer, setup.height);
}

void Peers::add(Random& random, const PeerSetup& setup, std::uint32_t height) {
  Peer& peer = peers_.emplace_back();
  peer.setup = setup;
  peer.id =
      lightningd::NodeId::from_hex(util::str(random.one_in(2) ? "02" : "03", util::to_hex(random.bytes(32)))).value();
  peer.port = static_cast<std::uint16_t>(first_port + peers_.size());
  peer.connected = setup.connected;
  const auto& habits = habits_of(setup.kind);
  peer.setup.features = with_bits(setup.features, habits.features);
  for (const auto& channel : setup.channels) {
    peer.channels.push_back(make_channel(random, channel));
    const bool waits = channel.state == "CHANNELD_AWAITING_LOCKIN";
    if (habits.keeps_told && waits) peer.kept.push_back({peer.channels.back().funding, height});
  }
  by_id_.emplace(peer.id, &peer);
}

Peer* Peers::find(const lightningd::NodeId& id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

Peer* Peers::by_name(std::string_view name) {
  const auto found =
      std::find_if(peers_.begin(), peers_.end(), [name](const Peer& peer) { return peer.setup.name == name; });
  return found == peers_.end() ? nullptr : &*found;
}

Channel* Peers::find_channel(const bitcoin::Outpoint& funding) {
  for (auto& peer : peers_) {
    for (auto& channel : peer.channels) {
      if (channel.funding == funding) return &channel;
    }
  }
  return nullptr;
}

std::pair<Peer*, Channel*> Peers::find_channel(const lightningd::ChannelId& id) {
  for (auto& peer : peers_) {
    for (auto& channel : peer.channels) {
      if (channel.id == id) return {&peer, &channel};
    }
  }
  return {nullptr, nullptr};
}

bool Peers::negotiated(const Peer& peer, std::size_t feature) const {
  return ours_.offers(feature) && peer.offers(feature);
}

bool Peers::have_anchor_channel() const {
  using lightningd::feature::anchors_zero_fee_htlc_tx;
  return std::any_of(peers_.begin(), peers_.end(), [this](const Peer& peer) {
    if (peer.opening && negotiated(peer, anchors_zero_fee_htlc_tx)) return true;
    return std::any_of(peer.channels.begin(), peer.channels.end(), [](const Channel& channel) {
      return channel.channel_type.find("anchors") != std::string::npos;
    });
  });
}

}  // namespace sim
