#include "sending/send_psbt.hpp"

#include <utility>

namespace sending {

namespace {

/// PSBT_TYPE_OUTPUT_EXTERNAL of lightningd (v0.10.1 to v26.06.6): a proprietary key with its prefix, and the value 1.
util::Bytes external_key() {
  util::Bytes key{0xFC, 9};
  for (const char letter : {'l', 'i', 'g', 'h', 't', 'n', 'i', 'n', 'g'}) {
    key.push_back(static_cast<std::uint8_t>(letter));
  }
  key.push_back(0x04);
  return key;
}

}  // namespace

util::SharedText to_send(psbt::Psbt psbt, const ledger::FundingPlan& plan) {
  for (const auto& payment : plan.payments) {
    if (payment.outnum) psbt.set_output_field(*payment.outnum, external_key(), {0, 1});
  }
  return util::share(psbt.base64(2));
}

void send_psbt(const context::Calls& calls, const util::SharedText& psbt, std::shared_ptr<ledger::Ledger> ledger,
               lightningd::Reply<lightningd::Sent> then) {
  ledger->sendpsbt_sent();
  // What the record says that each sendpsbt adds; those of the first versions say nothing.
  const auto recorded = ledger->reservation.sent_blocks;
  auto answered = [ledger, then = std::move(then)](util::Result<lightningd::Sent> answer) mutable {
    ledger->sendpsbt_answered(!answer && answer.error().code == jsonrpc::Caller::lost);
    then(std::move(answer));
  };
  calls.client.sendpsbt(psbt, recorded > 0 ? recorded : calls.settings.sent_reservation, std::move(answered));
}

}  // namespace sending
