#include "waiting/waiting_words.hpp"

#include <algorithm>
#include <cstdint>

#include "ledger/told_in_vain.hpp"
#include "util/str.hpp"

namespace waiting {

using util::Error;
using util::str;

std::string why_not(chain::Seen seen) {
  if (seen == chain::Seen::unknown)
    return "bitcoind cannot be asked about its inputs: lightningd's getutxout fails. Try again";
  return seen == chain::Seen::impossible
             ? "bitcoind does not show one of its inputs: it did not answer, or another transaction spends it. Try "
               "again; if "
               "it is spent, the batch can only be aborted"
             : "bitcoind shows none of its inputs: it is away, or they are spent. If they are, multifundchannel-forget "
               "removes the record, and its channels are yours to close";
}

Error no_more() { return Error{-1, "batch: it does not wait any more: see listmultifundchannels", {}}; }

Error busy() { return Error{-1, "batch: it is being finished or given up in this very moment", {}}; }

std::optional<std::string> waits_long(const ledger::FundingPlan& plan, std::uint32_t height) {
  constexpr std::uint32_t patience = 1'000;
  if (plan.waits_since == 0 || height < plan.waits_since + patience) return std::nullopt;
  return str("it waits since block ", plan.waits_since, ": its peers forget it at block ",
             plan.waits_since + ledger::ToldInVain::kept_for);
}

bool is_too_late(const ledger::FundingPlan& plan, std::uint32_t height) {
  return height == 0 || height >= plan.waits_since + ledger::ToldInVain::kept_for;
}

std::string too_late(const ledger::FundingPlan& plan, std::uint32_t height) {
  return height == 0 ? "lightningd does not tell the chain's height"
                     : str("its peers may have forgotten its channels since block ",
                           plan.waits_since + ledger::ToldInVain::kept_for, ": it can only be aborted");
}

bool has_vanished(const ledger::Ledger& ledger, const std::vector<lightningd::PeerChannel>& channels) {
  return ledger.phase == ledger::BatchPhase::sending &&
         std::none_of(channels.begin(), channels.end(),
                      [&ledger](const auto& channel) { return channel.is_of(ledger.plan->txid); });
}

}  // namespace waiting
