#pragma once

#include <optional>

#include "bitcoin/amounts.hpp"
#include "bitcoin/fees.hpp"
#include "funding/funding_transaction.hpp"
#include "funding/package.hpp"
#include "util/result.hpp"

namespace funding {

/// What bitcoind takes: what it would refuse is not signed.
struct FeeBounds {
  /// As lightningd's `feerates` shows it: the higher of minrelaytxfee and the mempool's own least feerate.
  /// Nothing when it is not known.
  std::optional<bitcoin::Perkw> floor;
  /// Those that a child pays for: then the feerate that is asked for is that of all of it.
  std::optional<Package> ancestors{};

  /// Error -32602 that names the feerate, with the fee, the bound and the feerate to ask for.
  [[nodiscard]] util::Result<void> check(const bitcoin::Cost& cost) const;

 private:
  /// The highest that is surely taken, of a transaction of this weight or of all that it pays for.
  [[nodiscard]] bitcoin::Perkw highest(std::uint64_t weight) const;
};

}  // namespace funding
