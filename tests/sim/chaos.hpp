#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/setup.hpp"

namespace sim {

/// A world and the batches that are started in it, all drawn from one seed.
struct Chaos {
  struct Batch {
    spark::Duration at{0};  ///< after the plugin is ready
    std::string params;     ///< of multifundchannel, with "$name" for ids
    std::string method = "multifundchannel";
  };

  /// What the user does with a batch that waits for him.
  enum class Decision { finish, give_up, broadcast, block };

  /// A user who gives up whatever is not settled.
  struct Abort {
    spark::Duration after{0};  ///< the last answer, or the abort before
    std::string more;          ///< parameters beside the batch
    std::uint32_t blocks = 0;  ///< that come afterwards
    std::uint32_t taken = 0;   ///< blocks for which another program takes the coins, a moment later; 0: none does
    spark::Duration taken_after{0};
  };

  /// A user who pays for whatever has opened.
  struct Bump {
    spark::Duration after{0};       ///< the last answer, or the bump before
    std::string more;               ///< parameters beside the batch
    spark::Duration kill_after{0};  ///< the plugin, in the middle of it; 0: never
    bool block = false;             ///< comes afterwards
  };

  Setup setup;
  std::vector<Batch> batches;
  std::vector<Abort> aborts;
  std::vector<Bump> bumps;
  std::vector<Decision> decisions;  ///< one after the other, until nothing waits any more; then he finishes
};

[[nodiscard]] Chaos draw_chaos(std::uint64_t seed);

/// What became of it.
struct ChaosResult {
  std::size_t opened = 0;  ///< batches
  std::size_t failed = 0;
  std::size_t bumps = 0;             ///< that are in a block
  spark::Duration lived{0};          ///< of virtual time
  std::size_t kills = 0;             ///< that were drawn, of plugin and node
  std::size_t faults = 0;            ///< that were drawn, of peers, calls and bitcoind, and deeds of others
  std::size_t aborts = 0;            ///< transactions that make a batch's own impossible, and are in a block
  std::vector<std::string> broken;   ///< invariants
  std::vector<std::string> log;      ///< the plugin's; with `trace`, all that happened
  std::vector<std::string> answers;  ///< to all calls: a result, or an error's code, a space and its message
};

/// Lives this world to its end, and checks every invariant.
[[nodiscard]] ChaosResult run_chaos(Chaos chaos, bool trace = false);
/// The same for the world of this seed.
[[nodiscard]] ChaosResult run_chaos(std::uint64_t seed, bool trace = false);

}  // namespace sim
