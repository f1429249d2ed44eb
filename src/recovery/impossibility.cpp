#include "recovery/impossibility.hpp"

#include <utility>

#include "util/str.hpp"

namespace recovery {

using util::Result;
using util::str;

// What is deep in the chain settles it; else nobody can tell.
void Impossibility::look_for_rival(const std::string& what, Done done) {
  done_ = std::move(done);
  abort_ = std::make_unique<Abort>(batch_.calls, batch_.ledger);
  abort_->look([this, what](Abort::Outcome outcome, const std::string& found) {
    if (outcome == Abort::Outcome::won) return impossible(found);
    if (outcome == Abort::Outcome::lost) return end(Outcome::sent, {});
    batch_.keep_rest([this, what, found](const Result<void>&) {
      later(str(what, found.empty() ? "" : ", ", found,
                ", and the transaction may have been sent: it is neither sent again nor undone"));
    });
  });
}

void Impossibility::abort(Done done) {
  done_ = std::move(done);
  if (batch_.ledger->send_in_flight) return later("lightningd has not answered sendpsbt yet");
  abort_ = std::make_unique<Abort>(batch_.calls, batch_.ledger);
  abort_->look([this](Abort::Outcome outcome, const std::string& what) { abort_looked(outcome, what); });
}

void Impossibility::abort_looked(Abort::Outcome outcome, const std::string& what) {
  switch (outcome) {
    case Abort::Outcome::won:
      return impossible(what);
    case Abort::Outcome::lost:
      batch_.note(what);
      batch_.ledger->abort.reset();
      return end(Outcome::sent, {});
    case Abort::Outcome::unsent:
      return send_abort();
    case Abort::Outcome::waiting:
      return later(what);
  }
}

// An input of the batch that is spent, or that another program has reserved, keeps no other from being held. Whether
// the abort's own are held is seen before the signature.
void Impossibility::send_abort() {
  if (batch_.must_wait()) return later("lightningd has not answered reserveinputs yet");
  batch_.keep_rest([this](const Result<void>& kept) {
    if (!kept) return later(kept.error().message);
    record_abort();
  });
}

// Whoever began it may not know whether its record was written; and a crash must not send the batch's transaction.
void Impossibility::record_abort() {
  auto send = [this] { abort_->send([this](Abort::Outcome, const std::string& what) { later(what); }); };
  if (abort_recorded_) return send();
  batch_.save([this, send](const Result<void>& saved) {
    if (!saved) return later(saved.error().message);
    abort_recorded_ = true;
    send();
  });
}

// Proven: it never confirms, whoever has it. The record stays as it is until the end, so that a crash finds the proof
// again.
void Impossibility::impossible(const std::string& why) {
  batch_.note(why + ": the transaction never confirms");
  if (batch_.must_wait()) return later("lightningd has not answered a call that changes reservations yet");
  batch_.ending = true;
  batch_.process.book.never_confirms(batch_.ledger->plan->txid);
  removal_ = std::make_unique<Removal>(batch_.calls, batch_.process.book, abort_->is_won_long_ago());
  removal_->run(batch_.ledger, batch_.journal, [this](const Result<std::vector<std::string>>& kept) {
    if (!kept) return later(kept.error().message);
    for (const auto& channel : *kept) batch_.note(channel);
    end(Outcome::impossible, {});
  });
}

void Impossibility::end(Outcome outcome, const std::string& why) { std::exchange(done_, nullptr)(outcome, why); }

}  // namespace recovery
