// A batch whose transaction is made impossible, or has become so.

#include <utility>

#include "recovery/settlement.hpp"
#include "util/mutation.hpp"
#include "util/str.hpp"

namespace recovery {

using report::BatchState;
using util::Result;
using util::str;

std::optional<std::string> Settlement::why_not_abort() const {
  if (ledger_->phase != ledger::BatchPhase::sending)
    return "by its record it was never ready to be sent: see listmultifundchannels";
  if (ending_) return "it is being settled in this very moment: see listmultifundchannels, and try again";
  if (ledger_->send_in_flight) return "lightningd has not answered sendpsbt yet: try again";
  if (!ledger_->reservation.held()) {
    return "its transaction is impossible already, and its inputs are free: what is left is shown by listmultifundchannels";
  }
  return std::nullopt;
}

// What is deep in the chain settles it; else nobody can tell.
void Settlement::look_for_rival(const std::string& what) {
  abort_ = std::make_unique<Abort>(calls_, ledger_);
  abort_->look([this, what](Abort::Outcome outcome, const std::string& found) {
    if (outcome == Abort::Outcome::won) return impossible(found);
    if (outcome == Abort::Outcome::lost) return sent();
    keep_rest([this, what, found](const Result<void>&) {
      retry(str(what, found.empty() ? "" : ", ", found,
                ", and the transaction may have been sent: it is neither sent again nor undone"),
            BatchState::unsettled);
    });
  });
}

void Settlement::abort() {
  if (ledger_->send_in_flight) return retry("lightningd has not answered sendpsbt yet", BatchState::aborting);
  abort_ = std::make_unique<Abort>(calls_, ledger_);
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
      return retry(what, BatchState::aborting);
  }
}

// An input of the batch that is spent, or that another program has reserved, keeps no other from being held. Whether the
// abort's own are held is seen before the signature.
void Settlement::send_abort() {
  if (must_wait(ledger_->reservation, waits_since_)) {
    return retry("lightningd has not answered reserveinputs yet", BatchState::aborting);
  }
  keep_rest([this](const Result<void>& kept) {
    if (!kept) return retry(kept.error().message, BatchState::aborting);
    record_abort();
  });
}

void Settlement::keep_rest(lightningd::Reply<void> then) {
  make_coins();
  coins_->keep(wallet::Holding::Need::none,
               [then = std::move(then)](const Result<wallet::Holding::Taken>& kept) mutable {
                 then(kept ? Result<void>() : Result<void>(kept.error()));
               });
}

// Whoever began it may not know whether its record was written; and a crash must not send the batch's transaction.
void Settlement::record_abort() {
  auto send = [this] {
    abort_->send([this](Abort::Outcome, const std::string& what) { retry(what, BatchState::aborting); });
  };
  if (abort_recorded_ || util::mutated("aborts-off-the-record")) return send();
  journal_->save(scope_, *ledger_, [this, send](const Result<void>& saved) {
    if (!saved) return retry(saved.error().message, BatchState::aborting);
    abort_recorded_ = true;
    send();
  });
}

// Proven: it never confirms, whoever has it. The record stays as it is until the end, so that a crash finds the proof
// again; that the transaction counts as sent keeps the undo off the channels that lightningd does not cancel.
void Settlement::impossible(const std::string& why) {
  note(why + ": the transaction never confirms");
  const auto state = ledger_->abort ? BatchState::aborting : BatchState::unsettled;
  if (must_wait(ledger_->reservation, waits_since_)) {
    return retry("lightningd has not answered a call that changes reservations yet", state);
  }
  ending_ = true;
  process_.book.never_confirms(ledger_->plan->txid);
  removal_ = std::make_unique<Removal>(calls_, process_.book, abort_->is_won_long_ago());
  removal_->run(ledger_, journal_, [this, state](const Result<std::vector<std::string>>& kept) {
    if (!kept) return retry(kept.error().message, state);
    for (const auto& channel : *kept) note(channel);
    impossible_ = true;
    ledger_->sending = ledger_->plan->txid;
    undo();  // peers that had dropped out before may still have an opening
  });
}

}  // namespace recovery
