#include "waiting/callers.hpp"

#include "lightningd/codes.hpp"
#include "report/batch_report.hpp"
#include "util/str.hpp"
#include "waiting/waiting_words.hpp"

namespace waiting {

using util::Error;
using util::Result;
using util::str;

void Callers::answer(const Result<void>& outcome, bool over) {
  if (auto giving_up = take_giving_up()) {
    giving_up(outcome ? Result<void>(busy()) : Result<void>(Error{-1, str("batch: ", outcome.error().message), {}}));
  }
  auto finishing = std::exchange(finishing_, {});
  if (finishing.empty()) return;
  if (outcome) batch_.report.opened();
  const auto result = outcome ? Result<std::string>(report::finished_json(batch_.report))
                      : over  ? outcome.error()
                              : told(outcome.error());
  for (auto& then : finishing) then(result);
}

Error Callers::told(const Error& error) const {
  if (batch_.ledger->phase != ledger::BatchPhase::sending) return error;
  return {lightningd::code::broadcast_fail,
          str("It is not confirmed that the transaction was sent (", error.message,
              batch_.ledger->plan->is_users ? "). Call multifundchannel-finish again: see listmultifundchannels "
                                            : "). The plugin goes on with it: see listmultifundchannels ",
              batch_.ledger->id),
          {}};
}

}  // namespace waiting
