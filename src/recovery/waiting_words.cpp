#include "recovery/waiting_words.hpp"

#include "bitcoin/fees.hpp"
#include "util/str.hpp"

namespace recovery {

using util::Error;
using util::str;

/// Why a transaction that is not sent cannot be.
std::string why_not(chain::Seen seen) {
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

std::optional<std::string> below_floor(const ledger::FundingPlan& plan, bitcoin::Perkw floor) {
  const auto least = bitcoin::whole_vbytes_fee(plan.users_weight, floor);
  if (plan.users_fee >= least) return std::nullopt;
  return str("its fee of ", plan.users_fee.value, " sat is less than the ", least.value,
             " sat that the mempool's floor of ", floor.value, " perkw comes to");
}

}  // namespace recovery
