#pragma once

#include "sim/channels.hpp"
#include "sim/core.hpp"
#include "sim/openings.hpp"
#include "sim/sending.hpp"

namespace sim {

/// Everybody who is not the plugin: miners, other users of the wallet, other openings with our peers.
/// Does what the setup says, at its time, whether lightningd runs or not; what needs lightningd is left
/// undone while it does not. A part of the node.
class Outsiders {
 public:
  Outsiders(Core& core, Sending& sending, Channels& channels, Openings& openings);

  void mine(std::uint32_t blocks);
  /// Ends the openings of others that wait for something.
  void give_up();

 private:
  void act(const Act& act);
  void meddle(const Act& act);
  void deal_with(Peer& peer, const Act& act);

  Core& core_;
  Sending& sending_;
  Channels& channels_;
  Openings& openings_;
};

}  // namespace sim
