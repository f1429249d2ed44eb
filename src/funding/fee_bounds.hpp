#pragma once

#include <optional>

#include "bitcoin/amounts.hpp"
#include "bitcoin/fees.hpp"
#include "funding/funding_transaction.hpp"
#include "util/result.hpp"

namespace funding {

/// What bitcoind takes: what it would refuse is not signed.
struct FeeBounds {
  /// As lightningd's `feerates` shows it: the higher of minrelaytxfee and the mempool's own least feerate.
  /// Nothing when it is not known.
  std::optional<bitcoin::Perkw> floor;

  /// Error -32602 that names the feerate, with the fee, the bound and the feerate to ask for.
  [[nodiscard]] util::Result<void> check(const bitcoin::Cost& cost) const;
};

}  // namespace funding
