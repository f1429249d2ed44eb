#include "recovery/record_undo.hpp"

#include <algorithm>
#include <utility>

namespace recovery {

using util::Error;
using util::Result;

void RecordUndo::run(Done done) {
  done_ = std::move(done);
  pass();
}

void RecordUndo::pass() {
  const auto& ledger = *batch_.ledger;
  if (batch_.journal->may_be_completed() && !ledger.sending) return record_that_it_failed();
  if (undoing_ && batch_.must_wait(undoing_->reservation, waits_since_)) {
    return later("lightningd has not answered unreserveinputs yet");
  }
  if (undoing_ && undoing_->reservation.freed) return undid();  // an answer that came late
  undoing_ = ledger.doubted();
  waits_since_.reset();
  // What is not answered may still reserve more, whatever is freed now.
  const bool in_doubt = ledger.reservation.doubtful_blocks > 0 || ledger.reservation.answer_lost;
  const bool may_be_extended = in_doubt && batch_.process.runtime.now() < batch_.quiet_at;
  coins_wait_ = may_be_extended || batch_.must_wait();
  undo_ = std::make_unique<batch::Undo>(
      batch_.process, batch_.calls.client, undoing_,
      [this](const ledger::Ledger& renewed, lightningd::Reply<void> saved) { save(renewed, std::move(saved)); });
  if (coins_wait_) undo_->leave_coins();
  undo_->run([this](bool clean) { undone(clean); });
}

// What is reserved again for a close is the next pass's to know as well.
void RecordUndo::save(const ledger::Ledger& renewed, lightningd::Reply<void> saved) {
  batch_.ledger->reservation.take_renewed(renewed.reservation);
  batch_.save(std::move(saved));
}

void RecordUndo::undone(bool clean) {
  if (!clean && undo_->channel_remains()) return keep_for_channel();
  if (!clean) return later("something could not be undone yet");
  if (coins_wait_ || in_flight()) return later("lightningd has not answered every call yet");
  if (undo_->found()) return undid();
  end({});
}

// Whoever holds a commitment for the transaction shall not see its inputs go elsewhere.
void RecordUndo::keep_for_channel() {
  const auto* const why = "something could not be undone yet";
  if (coins_wait_ || in_flight() || batch_.ledger->sending) return later(why);
  batch_.keep_rest([this, why](const Result<void>&) { later(why); });
}

// Freed inputs are anybody's, and another batch may reserve them to the same height: they must not be
// freed once more, not after a crash either.
void RecordUndo::undid() {
  batch_.note("undid what was left");
  undoing_.reset();
  if (!batch_.ledger->sending) batch_.ledger->reservation.released();
  batch_.save([this](const Result<void>& saved) {
    if (!saved) return end(saved);
    batch_.calls.scope.after(batch_.calls.settings.settle_delay, [this] { pass(); });
  });
}

// The datastore did not take it when the caller was told. What is not recorded is not done.
void RecordUndo::record_that_it_failed() {
  batch_.save([this](const Result<void>& saved) {
    if (!saved) return end(saved);
    pass();
  });
}

bool RecordUndo::in_flight() const {
  const auto& openings = batch_.ledger->openings;
  return batch_.ledger->reservation.in_flight() ||
         std::any_of(openings.begin(), openings.end(), [](const auto& opening) { return opening->in_flight; });
}

void RecordUndo::later(const std::string& why) { end(Error{-1, why, {}}); }

void RecordUndo::end(const Result<void>& result) { std::exchange(done_, nullptr)(result); }

}  // namespace recovery
