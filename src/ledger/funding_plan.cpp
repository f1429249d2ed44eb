#include "ledger/funding_plan.hpp"

namespace ledger {

void FundingPlan::change_is_ours(bool ours) { is_change_ours = ours; }

void FundingPlan::wait_began(std::uint32_t height) {
  if (waits_since == 0) waits_since = height;
}

}  // namespace ledger
