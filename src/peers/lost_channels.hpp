#pragma once

#include <string_view>
#include <vector>

#include "lightningd/client.hpp"

namespace peers {

/// Whether the log (getlog, level info) says that since a batch began the peer wanted to go on with a channel that
/// lightningd does not have any more: lost in a crash, or cancelled while the peer was away. lightningd then tells the
/// peer so and hangs up, and whatever else there is with the peer ends with the connection. `batch` is how the
/// batch's own lines begin.
[[nodiscard]] bool ended_for_lost_channel(const std::vector<lightningd::LogLine>& log, const lightningd::NodeId& peer,
                                          std::string_view batch);

}  // namespace peers
