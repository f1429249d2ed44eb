// A batch whose transaction is made impossible, or has become so.

#include <utility>

#include "multifundchannel/settlement.hpp"
#include "util/mutation.hpp"
#include "util/str.hpp"

namespace multifundchannel {

using util::Result;
using util::str;

std::optional<std::string> Settlement::why_not_abort() const {
  if (ledger_->phase != funding::BatchPhase::sending) return "by its record it was never ready to be sent: see listmultifundchannels";
  if (ending_) return "it is being settled in this very moment: see listmultifundchannels, and try again";
  if (ledger_->send_in_flight) return "lightningd has not answered sendpsbt yet: try again";
  return std::nullopt;
}

// What is deep in the chain settles it; else nobody can tell.
void Settlement::look_for_rival(const std::string& what) {
  abort_ = std::make_unique<Abort>(scope_, client_, settings_, ledger_);
  abort_->look([this, what](Abort::Outcome outcome, const std::string& found) {
    if (outcome == Abort::Outcome::won) return impossible(found);
    if (outcome == Abort::Outcome::lost) return sent();
    keep_coins([this, what, found](const Result<Coins::Taken>&) {
      retry(str(what, found.empty() ? "" : ", ", found,
                ", and the transaction may have been sent: it is neither sent again nor undone"),
            "unsettled");
    });
  });
}

void Settlement::abort() {
  if (ledger_->send_in_flight) return retry("lightningd has not answered sendpsbt yet", "aborting");
  abort_ = std::make_unique<Abort>(scope_, client_, settings_, ledger_);
  abort_->look([this](Abort::Outcome outcome, const std::string& what) { abort_looked(outcome, what); });
}

void Settlement::abort_looked(Abort::Outcome outcome, const std::string& what) {
  switch (outcome) {
    case Abort::Outcome::won:
      return impossible(what);
    case Abort::Outcome::lost:
      note(what);
      ledger_->abort.reset();
      return sent();
    case Abort::Outcome::unsent:
      return send_abort();
    case Abort::Outcome::waiting:
      return retry(what, "aborting");
  }
}

// Another input of the batch may be spent or reserved by another program: it is not needed.
void Settlement::send_abort() {
  if (must_wait(ledger_->reservation, waits_since_)) {
    return retry("lightningd has not answered reserveinputs yet", "aborting");
  }
  keep_coins([this](const Result<Coins::Taken>& taken) {
    if (!taken) return retry(taken.error().message, "aborting");
    const auto& input = ledger_->abort->input;
    if (*taken == input && !util::mutated("aborts-with-coins-of-others")) {
      return retry(str("input ", input.str(), " is spent, or another program has reserved it"), "aborting");
    }
    if (!*taken) return record_abort();
    coins_->hold_unspent([this](const Result<Coins::Taken>& held) {
      if (!held) return retry(held.error().message, "aborting");
      record_abort();
    });
  });
}

// Whoever began it may not know whether its record was written; and a crash must not send the batch's transaction.
void Settlement::record_abort() {
  auto send = [this] { abort_->send([this](Abort::Outcome, const std::string& what) { retry(what, "aborting"); }); };
  if (abort_recorded_ || util::mutated("aborts-off-the-record")) return send();
  journal_->save(scope_, *ledger_, [this, send](const Result<void>& saved) {
    if (!saved) return retry(saved.error().message, "aborting");
    abort_recorded_ = true;
    send();
  });
}

// Proven: it never confirms, whoever has it. The record stays as it is until the end, so that a crash finds the proof
// again; that the transaction counts as sent keeps the undo off the channels that lightningd does not cancel.
void Settlement::impossible(const std::string& why) {
  note(why + ": the transaction never confirms");
  const char* state = ledger_->abort ? "aborting" : "unsettled";
  if (must_wait(ledger_->reservation, waits_since_)) {
    return retry("lightningd has not answered a call that changes reservations yet", state);
  }
  ending_ = true;
  removal_ = std::make_unique<Removal>(scope_, client_, settings_, book_);
  removal_->run(ledger_, journal_, [this, state](const Result<std::vector<std::string>>& kept) {
    if (!kept) return retry(kept.error().message, state);
    for (const auto& channel : *kept) note(channel);
    impossible_ = true;
    ledger_->sending = ledger_->plan->txid;
    undo();  // peers that had dropped out before may still have an opening
  });
}

}  // namespace multifundchannel
