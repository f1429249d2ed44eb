#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sim {

// Batches of ten LND and ten Core Lightning peers, of whom one dies: what that costs the LND peers.

/// When it dies: by its own last word, by our fundchannel_complete for it, and by our knowledge.
enum class Death {
  before_complete,  ///< a batch that looks can know
  just_before,      ///< an LND peer, silently, after its last pong: nobody can know
  in_complete,
};

struct DeathResult {
  Death death = Death::before_complete;
  bool silent = false;    ///< else the connection is lost
  bool of_lnd = false;    ///< the peer that died
  bool opened = false;    ///< the batch, with those that are left
  std::size_t left = 0;   ///< LND peers with a pending channel whose transaction was never sent
  std::size_t bound = 0;  ///< so many may be left: in_complete, those that had been told, and the one that died
  std::string who;        ///< the peer, how and when it died
  std::vector<std::string> broken;  ///< invariants that the batch has broken
};

/// The batch of this seed, with a death before the peer's complete or in it.
[[nodiscard]] DeathResult live_death(std::uint64_t seed, bool in_complete);

}  // namespace sim
