#include "multifundchannel/lost_channels.hpp"

#include <algorithm>

namespace multifundchannel {

namespace {

/// lightningd v23.08 to v26.06.6: "Unknown channel <id> for WIRE_CHANNEL_REESTABLISH".
constexpr std::string_view beginning = "Unknown channel ";
constexpr std::size_t id_length = 64;
constexpr std::size_t most_kept = 200;

}  // namespace

void LostChannels::warned(std::string_view text, spark::Duration now) {
  if (!text.starts_with(beginning) || text.size() < beginning.size() + id_length) return;
  told_.emplace_back(text.substr(beginning.size(), id_length), now);
  if (told_.size() > most_kept) told_.pop_front();
}

std::vector<std::string> LostChannels::since(spark::Duration time) const {
  std::vector<std::string> channels;
  for (const auto& [channel, at] : told_) {
    if (at >= time) channels.push_back(channel);
  }
  return channels;
}

bool LostChannels::are_of(const lightningd::NodeId& peer, const std::vector<std::string>& channels,
                          const std::vector<lightningd::LogLine>& lines) {
  return std::any_of(lines.begin(), lines.end(), [id = peer.hex(), &channels](const lightningd::LogLine& line) {
    if (line.peer != id || !line.text.starts_with(beginning)) return false;
    return std::any_of(channels.begin(), channels.end(),
                       [&line](const std::string& channel) { return line.text.find(channel) != std::string::npos; });
  });
}

}  // namespace multifundchannel
