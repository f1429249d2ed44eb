#include "wallet/holds.hpp"

#include <utility>

#include "psbt/psbt.hpp"

namespace wallet {

using bitcoin::Outpoint;
using lightningd::WalletOutput;

namespace {

Hold hold_on(const WalletOutput& output, const ledger::ReservationRecord& record) {
  if (output.status == lightningd::OutputStatus::spent) return Hold::spent;
  if (!output.reserved) return Hold::free;
  return record.explains(output.outpoint, output.reserved_to_block) ? Hold::ours : Hold::anothers;
}

}  // namespace

// Another batch may have reserved it meanwhile to the very same height, or may not know yet that it has it.
Holds::Holds(const std::vector<WalletOutput>& outputs, const ledger::Ledger& ledger, const ledger::Book& book) {
  const auto& record = ledger.reservation;
  for (const auto& input : record.inputs()) holds_[input] = Hold::spent;
  for (const auto& output : outputs) {
    const auto input = holds_.find(output.outpoint);
    if (input == holds_.end()) continue;
    const auto hold = hold_on(output, record);
    const bool lost = hold == Hold::ours &&
                      (book.another_has_asked_for(output.outpoint, ledger) ||
                       book.another_has_reserved(output.outpoint, ledger.id, record.asked_since(output.outpoint)));
    input->second = lost ? Hold::anothers : hold;
  }
}

std::vector<Outpoint> Holds::those(Hold hold) const {
  std::vector<Outpoint> inputs;
  for (const auto& [outpoint, held] : holds_) {
    if (held == hold) inputs.push_back(outpoint);
  }
  return inputs;
}

std::optional<Outpoint> Holds::first(Hold hold) const {
  const auto inputs = those(hold);
  return inputs.empty() ? std::nullopt : std::optional(inputs.front());
}

bool Holds::is(const Outpoint& input, Hold hold) const {
  const auto found = holds_.find(input);
  return found != holds_.end() && found->second == hold;
}

util::SharedText psbt_of(const std::vector<Outpoint>& outpoints) {
  return util::share(psbt::Psbt::spending(outpoints).base64(0));
}

}  // namespace wallet
