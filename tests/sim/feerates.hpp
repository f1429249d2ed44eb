#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/core.hpp"

namespace sim {

/// Feerates as lightningd knows them: parsefeerate and feerates. A part of the node.
class Feerates {
 public:
  static constexpr std::uint32_t floor = 253;  ///< sat per 1,000 weight
  static constexpr int no_estimates = 501;

  explicit Feerates(Core& core);

  /// Sat per 1,000 weight of one of lightningd's styles. Errors -32602 and 501.
  [[nodiscard]] util::Result<std::uint32_t> parse(std::string_view text) const;

  /// What the commitment transactions of anchor channels pay; 0 without estimates.
  [[nodiscard]] std::uint32_t anchor_commitment() const;

 private:
  [[nodiscard]] std::uint32_t for_deadline(std::uint64_t blocks) const;
  [[nodiscard]] std::optional<std::uint32_t> named(std::string_view text) const;
  [[nodiscard]] util::Result<std::uint32_t> literal(std::string_view text) const;
  [[nodiscard]] std::string all(bool perkw) const;

  Core& core_;
};

}  // namespace sim
