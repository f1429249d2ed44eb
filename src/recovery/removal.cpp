#include "recovery/removal.hpp"

#include <utility>

#include "util/str.hpp"

namespace recovery {

using util::Error;
using util::Result;

void Removal::run(std::shared_ptr<ledger::Ledger> ledger, std::shared_ptr<journal::Journal> journal, Done done) {
  ledger_ = std::move(ledger);
  journal_ = std::move(journal);
  done_ = std::move(done);
  next();
}

void Removal::next() {
  while (channels_.size() < ledger_->openings.size()) {
    const auto opening = channels_.size();
    channels_.push_back(nullptr);
    const auto outpoint = ledger_->outpoint_of(opening);
    if (!outpoint) continue;
    channels_.back() = std::make_unique<peers::Retraction>(calls_, book_);
    channels_.back()->run(ledger_->openings[opening], *outpoint,
                          [this, opening](peers::Retraction::Outcome outcome, const std::string& why) {
                            done_with(opening, outcome, why);
                          });
    return;
  }
  release();
}

void Removal::done_with(std::size_t opening, peers::Retraction::Outcome outcome, const std::string& why) {
  const auto channel =
      util::str("channel ", ledger_->outpoint_of(opening)->str(), " with ", ledger_->openings[opening]->peer.hex());
  const bool left =
      outcome == peers::Retraction::Outcome::kept || (last_try_ && outcome == peers::Retraction::Outcome::later);
  if (left) {
    kept_.push_back(util::str("lightningd keeps the ", channel, ", although it never confirms (", why,
                              "): leave it alone, closing it would show coins that never come"));
  } else if (outcome == peers::Retraction::Outcome::later) {
    waits_for_ = util::str(channel, " is not cancelled yet: ", why);
  }
  next();
}

// They are nobody's but the wallet's by now.
void Removal::release() {
  if (!ledger_->reservation.held()) return ended();
  auto save = [this](const ledger::Ledger& now, lightningd::Reply<void> saved) {
    journal_->save(calls_.scope, now, std::move(saved));
  };
  holding_ = std::make_unique<wallet::Holding>(calls_, book_, ledger_, std::move(save));
  holding_->release([this](const Result<bool>& done) { released(done); });
}

// Freed inputs are anybody's: they must not be freed once more, not after a crash either.
void Removal::released(const Result<bool>& done) {
  if (!done) return std::exchange(done_, nullptr)(done.error());
  ledger_->reservation.released();
  journal_->save(calls_.scope, *ledger_, [this](const Result<void>& saved) {
    if (!saved) return std::exchange(done_, nullptr)(saved.error());
    ended();
  });
}

void Removal::ended() {
  auto done = std::exchange(done_, nullptr);
  if (!waits_for_.empty()) return done(Error{-1, waits_for_, {}});
  done(kept_);
}

}  // namespace recovery
