#include "sim/coin_selection.hpp"

#include <algorithm>
#include <optional>

#include "lightningd/codes.hpp"
#include "sim/script.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

using bitcoin::Sat;
namespace code = lightningd::code;

constexpr int cannot_afford_with_emergency = 313;

/// What is left of `input` after `amount` and the fee; nothing when that is not enough.
std::optional<Sat> left_over(Sat input, Sat amount, const FundRequest& request, std::uint64_t weight) {
  const Sat needed = amount + CoinSelection::fee(request.feerate, weight);
  if (input < needed) return std::nullopt;
  return input - needed;
}

/// Rounding can cause off by one errors, hence the difference of two fees.
Sat change_fee(std::uint32_t feerate, std::uint64_t weight) {
  return CoinSelection::fee(feerate, weight + CoinSelection::change_output_weight) -
         CoinSelection::fee(feerate, weight);
}

/// The change output that `excess` pays for; 0 when it cannot pay for itself.
Sat change_amount(Sat excess, std::uint32_t feerate, std::uint64_t weight) {
  const Sat fee = change_fee(feerate, weight);
  if (excess < fee || excess - fee < CoinSelection::dust) return Sat{0};
  return excess - fee;
}

util::Error short_of(const FundRequest& request, std::size_t used, Sat input, std::uint64_t weight) {
  const Sat needed = request.amount + CoinSelection::fee(request.feerate, weight);
  if (request.all)
    return {code::cannot_afford, util::str("Could not afford all using all ", used, " available UTXOs: all short"), ""};
  return {code::cannot_afford,
          util::str("Could not afford ", request.amount.value, "sat using all ", used,
                    " available UTXOs: ", (needed - input).value, "sat short"),
          ""};
}

}  // namespace

Sat CoinSelection::fee(std::uint32_t feerate, std::uint64_t weight) { return {feerate * weight / 1000}; }

std::uint64_t CoinSelection::input_weight(const Coin& coin) {
  static constexpr std::uint64_t bare = (32 + 4 + 4 + 1) * 4;
  if (is_p2tr(coin.script)) return bare + 1 + 1 + 64;
  const std::uint64_t p2wpkh = bare + 1 + 1 + 71 + 1 + 33;
  return is_p2sh(coin.script) ? p2wpkh + 23 * 4 : p2wpkh;
}

std::vector<Coin*> CoinSelection::candidates(const FundRequest& request) {
  const std::uint32_t max_height = request.minconf >= wallet_.height ? 1 : wallet_.height - request.minconf + 1;
  std::vector<Coin*> found;
  for (Coin& coin : wallet_.coins()) {
    if (!wallet_.is_free(coin) || (request.nonwrapped && is_p2sh(coin.script))) continue;
    if (request.minconf > 0 && (!coin.height || *coin.height > max_height)) continue;
    found.push_back(&coin);
  }
  random_.shuffle(found);
  return found;
}

util::Result<Selection> CoinSelection::choose(const FundRequest& request) {
  Selection found;
  found.weight = request.weight;
  Sat input{0};
  // "all" never is enough: it takes everything.
  for (Coin* coin : candidates(request)) {
    if (!request.all && left_over(input, request.amount, request, found.weight)) break;
    if (!request.all && fee(request.feerate, input_weight(*coin)) >= coin->amount) continue;
    found.coins.push_back(coin);
    found.weight += input_weight(*coin);
    input = input + coin->amount;
  }
  const auto diff = left_over(input, request.all ? Sat{0} : request.amount, request, found.weight);
  if (request.all && found.coins.empty()) return short_of(request, 0, input, found.weight);
  if (request.all && (!diff || *diff < CoinSelection::dust)) {
    return util::Error{code::cannot_afford, util::str("All ", found.coins.size(), " inputs could not afford fees"), ""};
  }
  if (!diff) return short_of(request, found.coins.size(), input, found.weight);
  return finish(request, std::move(found), *diff);
}

util::Result<Selection> CoinSelection::use(const FundRequest& request, std::vector<Coin*> coins) {
  Selection found;
  found.coins = std::move(coins);
  found.weight = request.weight;
  Sat input{0};
  for (const Coin* coin : found.coins) {
    input = input + coin->amount;
    found.weight += input_weight(*coin);
  }
  const auto diff = left_over(input, request.all ? Sat{0} : request.amount, request, found.weight);
  if (!diff || (request.all && *diff < CoinSelection::dust)) {
    const std::string what = request.all ? "anything" : util::str(request.amount.value, "sat");
    return util::Error{code::cannot_afford,
                       util::str("Could not afford ", what, " using UTXOs totalling ", input.value, "sat with weight ",
                                 found.weight, " at feerate ", request.feerate),
                       ""};
  }
  return finish(request, std::move(found), *diff);
}

util::Result<Selection> CoinSelection::finish(const FundRequest& request, Selection found, Sat diff) {
  const bool as_change = request.excess_as_change && !request.all;
  (as_change ? found.change : found.excess) = diff;
  if (request.keep_emergency && dies(request, found)) {
    return util::Error{code::generic, "lightningd would have ended at an assertion of change_for_emergency", ""};
  }
  if (request.keep_emergency && !keep_for_emergency(request, found)) {
    return util::Error{cannot_afford_with_emergency,
                       util::str("We would not have enough left for min-emergency-msat ", emergency_.value, "sat"), ""};
  }
  found.change = change_amount(found.change, request.feerate, found.weight);
  return found;
}

/// What the reserve lacks beside these coins.
Sat CoinSelection::lacking(const Selection& found) const {
  Sat needed = emergency_;
  for (const Coin& coin : wallet_.coins()) {
    const bool used = std::find(found.coins.begin(), found.coins.end(), &coin) != found.coins.end();
    if (used || !wallet_.is_free(coin) || !coin.height) continue;
    if (coin.amount >= needed) return Sat{0};
    needed = needed - coin.amount;
  }
  return needed;
}

/// Where it would make change of excess, and that is dust: it asserts that the change is what was lacking.
bool CoinSelection::dies(const FundRequest& request, const Selection& found) const {
  const Sat needed = lacking(found);
  return needed > Sat{0} && needed < CoinSelection::dust &&
         change_amount(found.change, request.feerate, found.weight) < needed &&
         found.excess >= change_fee(request.feerate, found.weight) + needed;
}

/// False when the rest of the wallet and the change are too little. May turn excess into change.
bool CoinSelection::keep_for_emergency(const FundRequest& request, Selection& found) {
  const Sat needed = lacking(found);
  if (needed == Sat{0}) return true;
  if (change_amount(found.change, request.feerate, found.weight) >= needed) return true;
  const Sat cost = change_fee(request.feerate, found.weight) + needed;
  if (found.excess < cost) return false;
  found.excess = found.excess - cost;
  found.change = found.change + cost;
  return true;
}

}  // namespace sim
