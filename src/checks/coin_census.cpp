#include "checks/coin_census.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "funding/economy.hpp"
#include "util/str.hpp"

namespace checks {

using bitcoin::Sat;
using lightningd::WalletOutput;
using util::str;

namespace {

/// The first that holds is told.
enum class Obstacle { reserved, immature, locked, young, wrapped, uneconomical };
constexpr std::size_t obstacle_count = 6;

/// Coins with the same obstacle.
struct Group {
  std::size_t count = 0;
  Sat sum;
  std::uint32_t first_free = UINT32_MAX;  ///< of the reserved and the locked: the lowest height
};

std::string remedy(Obstacle obstacle, const Group& group, std::uint32_t minconf, bitcoin::Perkw feerate) {
  switch (obstacle) {
    case Obstacle::reserved:
      return str("reserved, the first until block ", group.first_free,
                 " (wait, or free those that nothing uses any more with unreserveinputs)");
    case Obstacle::immature:
      return "immature (a block reward: wait for 100 blocks)";
    case Obstacle::locked:
      return str("locked after a channel's close, the first until block ", group.first_free, " (wait)");
    case Obstacle::young:
      return str("with fewer than minconf=", minconf, " confirmations (wait, or give a lower minconf)");
    case Obstacle::wrapped:
      return "wrapped in P2SH (withdraw them to a p2tr address of newaddr first)";
    case Obstacle::uneconomical:
      return str("not worth their fee at ", feerate.value, "perkw (give a lower feerate, or the others as utxos)");
  }
  return {};
}

}  // namespace

std::uint32_t CoinCensus::confirmations(const WalletOutput& output) const {
  return output.blockheight && *output.blockheight <= height_ ? height_ - *output.blockheight + 1 : 0;
}

std::string CoinCensus::unusable(std::uint32_t minconf, bitcoin::Perkw feerate) const {
  const auto obstacle_of = [this, minconf, feerate](const WalletOutput& output) -> std::optional<Obstacle> {
    if (output.reserved) return Obstacle::reserved;
    if (output.status == "immature") return Obstacle::immature;
    if (output.spendable_at && *output.spendable_at > height_) return Obstacle::locked;
    if (confirmations(output) < minconf) return Obstacle::young;
    if (output.has_redeemscript) return Obstacle::wrapped;
    if (funding::is_uneconomical(output.amount, output.scriptpubkey, feerate)) return Obstacle::uneconomical;
    return std::nullopt;
  };
  std::array<Group, obstacle_count> groups{};
  for (const auto& output : outputs_) {
    if (output.status == "spent") continue;
    const auto obstacle = obstacle_of(output);
    if (!obstacle) continue;
    auto& group = groups[static_cast<std::size_t>(*obstacle)];
    ++group.count;
    group.sum = group.sum + output.amount;
    const auto free_at = output.reserved ? output.reserved_to_block : output.spendable_at.value_or(UINT32_MAX);
    group.first_free = std::min(group.first_free, free_at);
  }
  std::string text;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].count == 0) continue;
    text += str(text.empty() ? "; not counted: " : "; ", groups[i].count, " coins (", groups[i].sum.value, " sat) ",
                remedy(static_cast<Obstacle>(i), groups[i], minconf, feerate));
  }
  return text;
}

std::vector<std::string> CoinCensus::younger(const std::vector<bitcoin::Outpoint>& coins,
                                             std::uint32_t minconf) const {
  std::vector<std::string> younger;
  for (const auto& output : outputs_) {
    const bool given = std::find(coins.begin(), coins.end(), output.outpoint) != coins.end();
    if (!given || confirmations(output) >= minconf) continue;
    younger.push_back(str(output.outpoint.str(), " has ", confirmations(output)));
  }
  return younger;
}

}  // namespace checks
