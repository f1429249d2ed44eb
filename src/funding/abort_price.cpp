#include "funding/abort_price.hpp"

#include <algorithm>

#include "bitcoin/fees.hpp"
#include "funding/funding_transaction.hpp"
#include "funding/input_weight.hpp"
#include "funding/package.hpp"

namespace funding {

using bitcoin::Perkw;
using bitcoin::Sat;

namespace {

std::uint64_t weight_of(const std::vector<AbortCoin>& coins, std::size_t count) {
  std::uint64_t weight = bare_abort_weight + bitcoin::output_weight;
  for (std::size_t i = 0; i < count; ++i) weight += input_weight(coins[i].script);
  return weight;
}

}  // namespace

Sat AbortPrice::to_replace(std::uint64_t weight, std::size_t inputs) const {
  const auto grown =
      inputs > inputs_before_ && inputs_before_ > 0 ? Sat{before_.value * inputs / inputs_before_ + 1} : before_;
  return fee_to_replace(std::max(batch_, grown), weight);
}

Sat AbortPrice::fee(std::uint64_t weight, std::size_t inputs) const {
  return std::max(bitcoin::whole_vbytes_fee(weight, feerate_), to_replace(weight, inputs));
}

Sat sum_of(const std::vector<AbortCoin>& coins, std::size_t count) {
  Sat sum;
  for (std::size_t i = 0; i < count; ++i) sum = sum + coins[i].amount;
  return sum;
}

std::size_t coins_needed(const std::vector<AbortCoin>& coins, const AbortPrice& price) {
  for (std::size_t count = 1; count <= coins.size(); ++count) {
    const auto fee = price.fee(weight_of(coins, count), count);
    if (sum_of(coins, count) >= fee + bitcoin::change_dust) return count;
  }
  return 0;
}

Sat fee_with_all(const std::vector<AbortCoin>& coins, const AbortPrice& price) {
  return price.fee(weight_of(coins, coins.size()), coins.size());
}

}  // namespace funding
