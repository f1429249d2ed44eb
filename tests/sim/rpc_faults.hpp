#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "sim/random.hpp"
#include "sim/setup.hpp"

namespace sim {

/// Decides which calls of the plugin's go wrong, from the schedule of the setup. A part of the node;
/// the plugin's connections ask it. Draws from numbers of its own, so that a schedule does not change
/// the rest of the world.
class RpcFaults {
 public:
  explicit RpcFaults(const Setup& setup);

  /// Once for each call.
  [[nodiscard]] std::optional<RpcFault> next(const std::string& method);
  /// Whether some call never will be answered.
  [[nodiscard]] bool swallowed() const { return swallowed_; }
  /// Something in the place of a result: JSON that no reply looks like.
  [[nodiscard]] std::string nonsense();
  /// How long lightningd takes to come to a request.
  [[nodiscard]] spark::Duration reading();
  /// How many of so many messages a process had written when it was killed.
  [[nodiscard]] std::size_t written(std::size_t messages) { return random_.below(messages + 1); }
  /// From now on nothing goes wrong.
  void stop();

 private:
  Random random_;
  std::vector<RpcFault> schedule_;
  spark::Duration read_delay_;
  bool swallowed_ = false;
  std::map<std::string, std::uint64_t, std::less<>> calls_;  // of each method, of all methods under ""
};

}  // namespace sim
