#include "wallet/holds.hpp"

#include <utility>

#include "context/calls.hpp"
#include "psbt/psbt.hpp"

namespace wallet {

using bitcoin::Outpoint;
using lightningd::WalletOutput;

Hold hold_on(const WalletOutput& output, const ledger::ReservationRecord& record) {
  if (output.status == "spent") return Hold::spent;
  if (!output.reserved) return Hold::free;
  return record.explains(output.outpoint, output.reserved_to_block) ? Hold::ours : Hold::anothers;
}

void look_at_coins(const context::Calls& calls, lightningd::Reply<std::vector<WalletOutput>> then) {
  using Outputs = std::vector<WalletOutput>;
  calls.fresh<Outputs>(
      "listfunds", [client = calls.client](lightningd::Reply<Outputs> reply) { client.listfunds(std::move(reply)); },
      std::move(then));
}

util::SharedText psbt_of(const std::vector<Outpoint>& outpoints) {
  return util::share(psbt::Psbt::spending(outpoints).base64(0));
}

}  // namespace wallet
