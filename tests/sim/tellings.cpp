#include "sim/tellings.hpp"

#include <algorithm>

#include "util/str.hpp"

namespace sim {
namespace {

/// So long the plugin waits for a pong.
constexpr spark::Duration ping_timeout{std::chrono::seconds(10)};

}  // namespace

std::vector<Tellings::Participant> Tellings::open_ones(const Telling& telling,
                                                       const std::vector<bitcoin::TxOutput>& outputs) const {
  std::vector<Participant> open;
  for (std::uint32_t i = 0; i < outputs.size(); ++i) {
    const auto found = participants_.find(outputs[i].script);
    if (found == participants_.end() || secured_.contains({telling.funding.txid, i})) continue;
    open.push_back(found->second);
  }
  return open;
}

std::optional<std::string> Tellings::too_early(const Telling& telling,
                                               const std::vector<bitcoin::TxOutput>& outputs) const {
  if (!habits_of(telling.kind).keeps_told) return std::nullopt;
  for (const auto& other : open_ones(telling, outputs)) {
    if (habits_of(other.kind).keeps_told) continue;
    return util::str(telling.peer.hex(), " keeps what it is told, and ", other.peer.hex(), " has not secured it");
  }
  return std::nullopt;
}

const Ping* Tellings::last_ping(const Telling& telling, const Participant& participant) const {
  const Ping* last = nullptr;
  for (const auto& ping : pings_) {
    const bool before = ping.asked >= participant.since && ping.asked < telling.asked;
    if (before && ping.batch == telling.batch && ping.peer == participant.peer) last = &ping;
  }
  return last;
}

bool Tellings::all_keep(const std::vector<bitcoin::TxOutput>& outputs) const {
  return std::none_of(outputs.begin(), outputs.end(), [this](const bitcoin::TxOutput& output) {
    const auto found = participants_.find(output.script);
    return found != participants_.end() && !habits_of(found->second.kind).keeps_told;
  });
}

std::optional<std::string> Tellings::in_vain(const Telling& telling,
                                             const std::vector<bitcoin::TxOutput>& outputs) const {
  // Others were told before, which takes a round trip: as long as a ping. So no time is lost by waiting for that.
  const bool has_waited = habits_of(telling.kind).keeps_told && !all_keep(outputs);
  for (const auto& other : open_ones(telling, outputs)) {
    const Ping* ping = last_ping(telling, other);
    if (ping == nullptr || ping->answered) continue;
    const auto patience = ping->refused ? grace_ : has_waited ? spark::Duration(0) : ping_timeout + grace_;
    if (telling.asked - ping->asked <= patience) continue;
    return util::str(telling.peer.hex(), " was told, and ", other.peer.hex(), " has not answered a ping of ",
                     (telling.asked - ping->asked).count(), " ms ago");
  }
  return std::nullopt;
}

}  // namespace sim
