#pragma once

#include <cstdint>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "funding/funding_transaction.hpp"
#include "funding/package.hpp"
#include "util/bytes.hpp"

namespace funding {

/// Neither inputs nor outputs: lightningd adds both.
inline constexpr std::uint64_t bare_abort_weight = bare_weight + rounding_weight;

/// What the transaction that makes a batch's own impossible has to pay: its feerate, and more than what it may replace
/// in a mempool, and for its own size besides (BIP 125). Of an abort of before, which has fewer inputs, the feerate has
/// to be surpassed, too.
class AbortPrice {
 public:
  /// `batch`: the fee of the batch's transaction, and of a bump that pays for it, since both are replaced; `before`:
  /// that of the abort before, which has so many inputs.
  AbortPrice(bitcoin::Perkw feerate, bitcoin::Sat batch, bitcoin::Sat before, std::size_t inputs_before)
      : feerate_(feerate), batch_(batch), before_(before), inputs_before_(inputs_before) {}

  /// What the fee must be at least for another transaction's sake.
  [[nodiscard]] bitcoin::Sat to_replace(std::uint64_t weight, std::size_t inputs) const;
  [[nodiscard]] bitcoin::Sat fee(std::uint64_t weight, std::size_t inputs) const;

 private:
  bitcoin::Perkw feerate_;
  bitcoin::Sat batch_;
  bitcoin::Sat before_;
  std::size_t inputs_before_;
};

struct AbortCoin {
  bitcoin::Outpoint outpoint;
  bitcoin::Sat amount;
  util::Bytes script;
};

/// The sum of the first so many.
[[nodiscard]] bitcoin::Sat sum_of(const std::vector<AbortCoin>& coins, std::size_t count);

/// How many of the coins, in this order, pay the fee and leave an output for the wallet: the least number; 0 when
/// all of them do not.
[[nodiscard]] std::size_t coins_needed(const std::vector<AbortCoin>& coins, const AbortPrice& price);

/// The fee with all of them, for an error's figures.
[[nodiscard]] bitcoin::Sat fee_with_all(const std::vector<AbortCoin>& coins, const AbortPrice& price);

}  // namespace funding
