#pragma once

#include <cstdint>
#include <vector>

#include "lightningd/types.hpp"
#include "util/bytes.hpp"

namespace multifundchannel {

/// Neither inputs nor outputs: lightningd adds both.
inline constexpr std::uint64_t bare_abort_weight = 4 * (4 + 4 + 1 + 1) + 2 + 8;

/// What the transaction that makes a batch's own impossible has to pay: its feerate, and more than what it may replace
/// in a mempool, and for its own size besides (BIP 125). Of an abort of before, which has fewer inputs, the feerate has
/// to be surpassed, too.
class AbortPrice {
 public:
  /// `batch`: the fee of the batch's transaction; `before`: that of the abort before, which has so many inputs.
  AbortPrice(lightningd::Perkw feerate, lightningd::Sat batch, lightningd::Sat before, std::size_t inputs_before)
      : feerate_(feerate), batch_(batch), before_(before), inputs_before_(inputs_before) {}

  /// What the fee must be at least for another transaction's sake.
  [[nodiscard]] lightningd::Sat to_replace(std::uint64_t weight, std::size_t inputs) const;
  [[nodiscard]] lightningd::Sat fee(std::uint64_t weight, std::size_t inputs) const;

 private:
  lightningd::Perkw feerate_;
  lightningd::Sat batch_;
  lightningd::Sat before_;
  std::size_t inputs_before_;
};

struct AbortCoin {
  lightningd::Outpoint outpoint;
  lightningd::Sat amount;
  util::Bytes script;
};

/// The sum of the first so many.
[[nodiscard]] lightningd::Sat sum_of(const std::vector<AbortCoin>& coins, std::size_t count);

/// How many of the coins, in this order, pay the fee and leave an output for the wallet: the least number; 0 when
/// all of them do not.
[[nodiscard]] std::size_t coins_needed(const std::vector<AbortCoin>& coins, const AbortPrice& price);

/// The fee with all of them, for an error's figures.
[[nodiscard]] lightningd::Sat fee_with_all(const std::vector<AbortCoin>& coins, const AbortPrice& price);

}  // namespace multifundchannel
