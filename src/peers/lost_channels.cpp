#include "peers/lost_channels.hpp"

#include <algorithm>

namespace peers {

namespace {

// lightningd v23.08 to v26.06.6: "Unknown channel <id> for WIRE_CHANNEL_REESTABLISH" where it has no record at all, and
// "Responded to reestablish for long-closed channel <id>" where it remembers that there was one.
constexpr std::string_view unknown = "Unknown channel ";
constexpr std::string_view reestablish = " for WIRE_CHANNEL_REESTABLISH";
constexpr std::string_view closed = "Responded to reestablish for long-closed channel ";

}  // namespace

bool ended_for_lost_channel(const std::vector<lightningd::LogLine>& log, const lightningd::NodeId& peer,
                            std::string_view batch) {
  const auto begun = std::find_if(log.begin(), log.end(),
                                  [batch](const lightningd::LogLine& line) { return line.text.starts_with(batch); });
  return std::any_of(begun, log.end(), [id = peer.hex()](const lightningd::LogLine& line) {
    const std::string_view text = line.text;
    return line.peer == id && ((text.starts_with(unknown) && text.ends_with(reestablish)) || text.starts_with(closed));
  });
}

}  // namespace peers
