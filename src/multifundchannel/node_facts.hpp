#pragma once

#include "lightningd/types.hpp"

namespace multifundchannel {

/// What a batch needs to know about the node.
struct NodeFacts {
  lightningd::Features features;  ///< what the node offers to its peers
  bool withhold = false;          ///< whether fundchannel_complete knows `withhold` (v25.12)
};

}  // namespace multifundchannel
