#pragma once

#include <memory>
#include <string>

#include "lightningd/features.hpp"
#include "peers/pending_connects.hpp"

namespace peers {

/// What a batch needs to know about the node.
struct NodeFacts {
  lightningd::Features features;  ///< what the node offers to its peers
  bool withhold = false;          ///< whether fundchannel_complete knows `withhold` (v25.12)
  /// Whether ping is answered by the pong of its peer (v25.09): before, a pong answers the oldest ping of all peers.
  bool tells_pongs_apart = false;
  std::string network;  ///< its name, as lightningd has it
  std::shared_ptr<PendingConnects> connects = std::make_shared<PendingConnects>();
};

}  // namespace peers
