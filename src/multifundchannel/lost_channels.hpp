#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lightningd/client.hpp"
#include "spark/runtime.hpp"

namespace multifundchannel {

/// Which channels lightningd did not know when a peer wanted to go on with them: it has lost them, in a crash. It
/// tells the peer so and hangs up, and whatever else there is with the peer ends with the connection. It logs that as
/// a warning, which names the channel and not the peer; the log tells whose channel it was. One per process, owned by
/// the Service.
class LostChannels {
 public:
  /// A warning of lightningd's; those about anything else are no matter.
  void warned(std::string_view text, spark::Duration now);
  /// The ids of the channels that were told of at that time or later.
  [[nodiscard]] std::vector<std::string> since(spark::Duration time) const;
  /// Whether by these lines of the log one of these channels was the peer's.
  [[nodiscard]] static bool are_of(const lightningd::NodeId& peer, const std::vector<std::string>& channels,
                                   const std::vector<lightningd::LogLine>& lines);

 private:
  std::deque<std::pair<std::string, spark::Duration>> told_;  ///< the last ones
};

}  // namespace multifundchannel
