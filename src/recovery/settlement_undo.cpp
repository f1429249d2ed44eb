// A batch that is undone: its way from the record to nothing.

#include <algorithm>
#include <utility>

#include "journal/journal_format.hpp"
#include "recovery/settlement.hpp"
#include "util/mutation.hpp"
#include "util/str.hpp"

namespace recovery {

using report::BatchState;
using util::Result;
using util::str;

// From the record, not from the ledger: what a finished pass calls gone may come back when a call
// that lightningd had read already is carried out.
void Settlement::undo() {
  if (journal_->may_be_completed() && !ledger_->sending) return record_that_it_failed();
  if (undoing_ && must_wait(undoing_->reservation, undoing_waits_since_)) {
    return retry("lightningd has not answered unreserveinputs yet");
  }
  if (undoing_ && undoing_->reservation.freed) return undid();  // an answer that came late
  auto copy = journal::read_ledger(journal::write_ledger(*ledger_));
  if (!copy) return retry(copy.error().message);
  undoing_ = *copy;
  undoing_waits_since_.reset();
  undoing_->sending = ledger_->sending;
  undoing_->reservation.since = ledger_->reservation.since;
  // What is not answered may still reserve more, whatever is freed now.
  const bool may_be_extended = ledger_->reservation.doubtful_blocks > 0 && process_.runtime.now() < quiet_at_;
  coins_wait_ = may_be_extended || must_wait(ledger_->reservation, waits_since_);
  for (std::size_t i = 0; i < ledger_->openings.size(); ++i) {
    auto& opening = *undoing_->openings[i];
    opening.label = ledger::label_of(opening, i);
    opening.accepted = ledger_->openings[i]->accepted;
  }
  // What is reserved again for a close is the next pass's to know as well.
  auto save = [this](lightningd::Reply<void> saved) {
    ledger_->reservation.renewed_at = undoing_->reservation.renewed_at;
    ledger_->reservation.blocks = undoing_->reservation.blocks;
    for (const auto& [input, height] : undoing_->reservation.heights) {
      ledger_->reservation.heights.try_emplace(input, height);
    }
    journal_->save(scope_, *ledger_, std::move(saved));
  };
  undo_ = std::make_unique<batch::Undo>(process_, calls_.client, undoing_, std::move(save));
  if (coins_wait_) undo_->leave_coins();
  undo_->run([this](bool clean) { undone(clean); });
}

void Settlement::undone(bool clean) {
  if (!clean && undo_->channel_remains()) return keep_for_channel();
  if (!clean) return retry("something could not be undone yet");
  if (coins_wait_ || in_flight()) return retry("lightningd has not answered every call yet");
  if (undo_->found()) {
    undid();
  } else if (const auto now = process_.runtime.now(); now < quiet_at_) {
    looked();
    scope_.after(quiet_at_ - now, [this] { undo(); });
  } else {
    remove();
  }
}

// Whoever holds a commitment for the transaction shall not see its inputs go elsewhere.
void Settlement::keep_for_channel() {
  if (coins_wait_ || in_flight() || ledger_->sending) return retry("something could not be undone yet");
  keep_rest([this](const Result<void>&) { retry("something could not be undone yet"); });
}

// Freed inputs are anybody's, and another batch may reserve them to the same height: they must not be
// freed once more, not after a crash either.
void Settlement::undid() {
  note("undid what was left");
  undoing_.reset();
  if (!ledger_->sending) ledger_->reservation.released();
  journal_->save(scope_, *ledger_, [this](const Result<void>& saved) {
    if (!saved) return retry(saved.error().message);
    scope_.after(calls_.settings.settle_delay, [this] { undo(); });
  });
}

void Settlement::remove() {
  if (!impossible_ && ledger_->any_policy_pending()) return retry("the policy of a channel is not set yet");
  journal_->remove(scope_, [this](const Result<void>& removed) {
    if (!removed) return retry(removed.error().message);
    if (ledger_->sending && !impossible_) {
      report_.take_policies(*ledger_);
      report_.opened();
    } else {
      report_.undone(BatchState::undone);
    }
    note(str("settled: ", name_of(report_.state)));
    looked();
    scope_.end();
    process_.runtime.post(std::move(settled_));
  });
}

// The datastore did not take it when the caller was told. What is not recorded is not done.
void Settlement::record_that_it_failed() {
  journal_->save(scope_, *ledger_, [this](const Result<void>& saved) {
    if (!saved) return retry(saved.error().message);
    undo();
  });
}

/// For a call that changes reservations, as long as it still may be carried out.
bool Settlement::must_wait(const ledger::ReservationRecord& reservation, std::optional<spark::Duration>& since) {
  if (!reservation.in_flight) since.reset();
  if (reservation.in_flight && !since) since = process_.runtime.now();
  return since && process_.runtime.now() - *since < calls_.settings.lost_after && !util::mutated("frees-coins-twice");
}

}  // namespace recovery
