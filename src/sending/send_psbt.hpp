#pragma once

#include <memory>

#include "context/calls.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "psbt/psbt.hpp"

namespace sending {

/// The signed PSBT as sendpsbt gets it. Each payment's output is marked as lightningd's own `withdraw` does it
/// (psbt_output_mark_as_external), so that its bookkeeper has a withdrawal of it.
[[nodiscard]] util::SharedText to_send(psbt::Psbt psbt, const ledger::FundingPlan& plan);

/// sendpsbt, with the ledger told whether it is answered: it is not undone and not repeated before. Until
/// the transaction confirms, its inputs count as unspent and only their reservation keeps the wallet
/// from choosing them again; lightningd takes the added blocks back when it fails.
void send_psbt(const context::Calls& calls, const util::SharedText& psbt, std::shared_ptr<ledger::Ledger> ledger,
               lightningd::Reply<lightningd::Sent> then);

}  // namespace sending
