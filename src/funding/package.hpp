#pragma once

#include <cstdint>

#include "bitcoin/amounts.hpp"
#include "util/bytes.hpp"

namespace funding {

/// Transactions that a miner takes together: an unconfirmed one and all that it builds upon.
struct Package {
  std::uint64_t vbytes = 0;  ///< of each rounded up, as bitcoind counts
  bitcoin::Sat fee;

  void add(std::uint64_t weight, bitcoin::Sat fee_paid);
  /// Rounded down.
  [[nodiscard]] bitcoin::Perkw feerate() const;
  /// Whether it pays this feerate as it is.
  [[nodiscard]] bool pays(bitcoin::Perkw asked) const;
};

/// What a child of this weight must pay, so that it pays this feerate together with its ancestors (CPFP). 0 when they
/// pay more than that already.
[[nodiscard]] bitcoin::Sat childs_fee(const Package& ancestors, std::uint64_t weight, bitcoin::Perkw feerate);

/// What a transaction of this weight must pay at least to replace one that has paid `before`: as much, and bitcoind's
/// incrementalrelayfee for its own size besides (BIP 125).
[[nodiscard]] bitcoin::Sat fee_to_replace(bitcoin::Sat before, std::uint64_t weight);

/// Of a transaction without inputs and outputs: lightningd adds those.
inline constexpr std::uint64_t bare_weight = 4 * (4 + 4 + 1 + 1) + 2;

/// Of a transaction that spends one output of the wallet's with this script into another one, once it is signed.
[[nodiscard]] std::uint64_t bump_weight(const util::Bytes& script);

}  // namespace funding
