#include "multifundchannel/removal.hpp"

#include <utility>

#include "util/str.hpp"

namespace multifundchannel {

using util::Error;
using util::Result;

void Removal::run(std::shared_ptr<funding::Ledger> ledger, std::shared_ptr<Journal> journal, Done done) {
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
    auto& record = *ledger_->openings[opening];
    record.label = util::str("batch ", ledger_->id.substr(0, 8), " peer ", opening, " (", record.peer.brief(), ")");
    channels_.back() = std::make_unique<Retraction>(scope_, client_, settings_, book_);
    channels_.back()->run(ledger_->openings[opening], *outpoint,
                          [this, opening](Retraction::Outcome outcome) { done_with(opening, outcome); });
    return;
  }
  if (later_) return std::exchange(done_, nullptr)(Error{-1, "a channel could not be cancelled yet", {}});
  release();
}

void Removal::done_with(std::size_t opening, Retraction::Outcome outcome) {
  if (outcome == Retraction::Outcome::later) later_ = true;
  if (outcome == Retraction::Outcome::kept) {
    kept_.push_back(util::str("lightningd keeps the channel ", ledger_->outpoint_of(opening)->str(), " with ",
                              ledger_->openings[opening]->peer.hex(),
                              ", although it never confirms: leave it alone, closing it would show coins that never come"));
  }
  next();
}

void Removal::release() {
  auto save = [this](lightningd::Reply<void> saved) { journal_->save(scope_, *ledger_, std::move(saved)); };
  coins_ = std::make_unique<Coins>(scope_, client_, settings_, book_, ledger_, std::move(save));
  coins_->release([this](const Result<bool>& done) { released(done); });
}

// Freed inputs are anybody's: they must not be freed once more, not after a crash either.
void Removal::released(const Result<bool>& done) {
  if (!done) return std::exchange(done_, nullptr)(done.error());
  ledger_->reservation.released();
  journal_->save(scope_, *ledger_, [this](const Result<void>& saved) {
    if (!saved) return std::exchange(done_, nullptr)(saved.error());
    std::exchange(done_, nullptr)(kept_);
  });
}

}  // namespace multifundchannel
