#include "sending/evidence.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "util/str.hpp"

namespace sending {

using bitcoin::Outpoint;
using lightningd::PeerChannel;
using util::Error;
using util::Result;
using util::str;

namespace {

template <class... Parts>
Error not_signed(const Parts&... parts) {
  return Error{-1, str("the transaction is not signed: ", parts...), {}};
}

}  // namespace

Evidence::Evidence(const ledger::Ledger& ledger, const util::SharedText& psbt)
    : ledger_(ledger), psbt_(psbt::Psbt::from_base64(*psbt)) {}

Result<void> Evidence::check(const std::vector<PeerChannel>& channels, Channels stand) const {
  const bool ready = ledger_.plan && ledger_.phase == ledger::BatchPhase::sending;
  if (!ready || !psbt_ || psbt_->txid() != ledger_.plan->txid) return not_signed("it is not the one of the record");
  if (auto checked = check_inputs(); !checked) return checked;

  std::size_t fundings = 0;
  bool has_change = false;
  for (std::uint32_t i = 0; i < psbt_->outputs().size(); ++i) {
    const auto* payee = payee_of(i);
    if (payee == nullptr) {
      if (psbt_->outputs()[i].script != ledger_.plan->change) {
        return not_signed("its output ", i, " pays neither a channel nor the wallet's change");
      }
      if (std::exchange(has_change, true)) return not_signed("its output ", i, " pays the change again");
      continue;
    }
    const bool shown =
        std::any_of(channels.begin(), channels.end(), [this, payee, i, stand](const PeerChannel& channel) {
          return channel.peer == payee->peer && is_funding(channel, i, stand);
        });
    if (!shown) return not_signed("lightningd shows no channel of ours that its output ", i, " funds");
    ++fundings;
  }
  return fundings > 0 ? Result<void>() : not_signed("it funds no channel");
}

Result<void> Evidence::check_inputs() const {
  std::set<Outpoint> spent;
  for (const auto& input : psbt_->inputs()) spent.insert(input.outpoint);
  const auto& reserved = ledger_.reservation.heights;
  const bool same = std::equal(spent.begin(), spent.end(), reserved.begin(), reserved.end(),
                               [](const Outpoint& input, const auto& coin) { return input == coin.first; });
  if (same && spent.size() == psbt_->inputs().size() && !spent.empty()) return {};
  return not_signed("it does not spend what is reserved for it");
}

/// Nothing unless exactly one opening has it.
const ledger::OpeningRecord* Evidence::payee_of(std::uint32_t output) const {
  const auto& outnums = ledger_.plan->outnums;
  const auto found = std::find(outnums.begin(), outnums.end(), output);
  if (found == outnums.end() || std::count(outnums.begin(), outnums.end(), output) != 1) return nullptr;
  const auto number = static_cast<std::size_t>(found - outnums.begin());
  return number < ledger_.openings.size() ? ledger_.openings[number].get() : nullptr;
}

bool Evidence::is_funding(const PeerChannel& channel, std::uint32_t output, Channels stand) const {
  const bool stands = channel.withheld || stand == Channels::withheld_or_released;
  return stands && channel.lives() && channel.opened_by_us && channel.total == psbt_->outputs()[output].amount &&
         channel.funding == Outpoint{ledger_.plan->txid, output};
}

}  // namespace sending
