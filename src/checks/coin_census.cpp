#include "checks/coin_census.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "funding/economy.hpp"
#include "util/str.hpp"

namespace checks {

using bitcoin::Sat;
using lightningd::OutputStatus;
using lightningd::WalletOutput;
using util::str;

std::uint32_t CoinCensus::confirmations(const WalletOutput& output) const {
  return output.blockheight && *output.blockheight <= height_ ? height_ - *output.blockheight + 1 : 0;
}

void CoinCensus::Group::add(const WalletOutput& output) {
  ++count;
  sum = sum + output.amount;
  const auto free_at = output.reserved ? output.reserved_to_block : output.spendable_at.value_or(UINT32_MAX);
  first_free = std::min(first_free, free_at);
}

std::string CoinCensus::Group::text() const { return str(count, " coins (", sum.value, " sat)"); }

std::string CoinCensus::remedy(Obstacle obstacle, const Group& group, const Use& use) {
  switch (obstacle) {
    case Obstacle::reserved:
      return str("reserved, the first until block ", group.first_free,
                 " (wait, or free those that nothing uses any more with unreserveinputs)");
    case Obstacle::immature:
      return "immature (a block reward: wait for 100 blocks)";
    case Obstacle::locked:
      return str("locked after a channel's close, the first until block ", group.first_free, " (wait)");
    case Obstacle::young:
      if (!use.feerate) return "unconfirmed (wait)";
      return str("with fewer than minconf=", use.minconf.value_or(1), " confirmations (wait, or give a lower minconf)");
    case Obstacle::wrapped:
      return "wrapped in P2SH (withdraw them to a p2tr address of newaddr first)";
    case Obstacle::uneconomical:
      break;
  }
  return str("not worth their fee at ", use.feerate.value_or(bitcoin::Perkw{}).value,
             "perkw (give a lower feerate, or the others as utxos)");
}

std::optional<CoinCensus::Obstacle> CoinCensus::obstacle(const WalletOutput& output, const Use& use) const {
  if (output.reserved) return Obstacle::reserved;
  if (output.status == OutputStatus::immature) return Obstacle::immature;
  if (output.spendable_at && *output.spendable_at > height_) return Obstacle::locked;
  if (use.minconf && confirmations(output) < *use.minconf) return Obstacle::young;
  if (!use.feerate) return std::nullopt;
  if (output.has_redeemscript) return Obstacle::wrapped;
  if (funding::is_uneconomical(output.amount, output.scriptpubkey, *use.feerate)) return Obstacle::uneconomical;
  return std::nullopt;
}

std::string CoinCensus::obstacles(const Outputs& outputs, const Use& use, std::string_view intro) const {
  std::map<Obstacle, Group> groups;
  for (const auto& output : outputs) {
    if (const auto found = obstacle(output, use)) groups[*found].add(output);
  }
  std::string text;
  for (const auto& [found, group] : groups) {
    text += str(text.empty() ? intro : "; ", group.text(), " ", remedy(found, group, use));
  }
  return text;
}

CoinCensus::Outputs CoinCensus::beside(const std::vector<bitcoin::Outpoint>& given) const {
  Outputs outputs;
  std::copy_if(outputs_.begin(), outputs_.end(), std::back_inserter(outputs), [&given](const WalletOutput& output) {
    return output.status != OutputStatus::spent &&
           std::find(given.begin(), given.end(), output.outpoint) == given.end();
  });
  return outputs;
}

std::string CoinCensus::not_chosen(std::uint32_t minconf, bitcoin::Perkw feerate) const {
  return obstacles(beside({}), {minconf, feerate}, "; not counted: ");
}

// lightningd takes given coins whatever confirmations they have.
std::string CoinCensus::not_given(const std::vector<bitcoin::Outpoint>& given, bitcoin::Perkw feerate) const {
  const Use use{std::nullopt, feerate};
  Group dear;
  for (const auto& output : outputs_) {
    const bool asked = std::find(given.begin(), given.end(), output.outpoint) != given.end();
    if (asked && obstacle(output, use) == Obstacle::uneconomical) dear.add(output);
  }
  Group free;
  const auto others = beside(given);
  for (const auto& output : others) {
    if (!obstacle(output, use)) free.add(output);
  }
  std::string text;
  if (dear.count > 0) {
    text += str("; of the given utxos, ", dear.text(), " are not worth their fee at ", feerate.value,
                "perkw (leave them out)");
  }
  if (free.count > 0) text += str("; beside them, ", free.text(), " could be given, too");
  return text + obstacles(others, use, "; not counted: ");
}

// Its own rules: what is confirmed counts, however small and in whatever script.
std::string CoinCensus::not_in_reserve(const std::vector<bitcoin::Outpoint>& given) const {
  return obstacles(beside(given), {1, std::nullopt}, "; not counted for it: ");
}

std::vector<std::string> CoinCensus::younger(const std::vector<bitcoin::Outpoint>& coins, std::uint32_t minconf) const {
  std::vector<std::string> younger;
  for (const auto& output : outputs_) {
    const bool given = std::find(coins.begin(), coins.end(), output.outpoint) != coins.end();
    if (!given || confirmations(output) >= minconf) continue;
    younger.push_back(str(output.outpoint.str(), " has ", confirmations(output)));
  }
  return younger;
}

}  // namespace checks
