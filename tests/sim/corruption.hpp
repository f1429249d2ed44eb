#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sim/random.hpp"
#include "sim/setup.hpp"

namespace sim {

/// Damages what lightningd sends to the plugin, on both of its streams, as the setup says; and counts what must be
/// answered. A part of the node. Draws from numbers of its own.
class Corruption {
 public:
  explicit Corruption(const Setup& setup) : random_(setup.seed ^ other_stream), one_in_(setup.corrupt_one_in) {}

  [[nodiscard]] bool is_on() const { return one_in_ > 0; }
  /// The text of one message with its end, perhaps damaged.
  [[nodiscard]] std::string pass(std::string text);

  std::size_t damaged = 0;   ///< messages
  std::size_t asked = 0;     ///< requests whose id the plugin can see
  std::size_t answered = 0;  ///< of those

 private:
  static constexpr std::uint64_t other_stream = 0x2545F4914F6CDD1Dull;

  Random random_;
  std::uint64_t one_in_;
};

}  // namespace sim
