#include "batch/undo.hpp"

#include <algorithm>
#include <utility>

#include "util/log.hpp"
#include "util/str.hpp"

namespace batch {

using ledger::Stage;
using spark::Completion;
using spark::Spark;

Undo::Undo(const peers::Process& process, lightningd::Client client, std::shared_ptr<ledger::Ledger> ledger,
           wallet::Holding::Save save)
    : scope_(process.runtime,
             [this](const util::Error& error) {
               util::error(label_, ": undoing failed: ", error.message);
               std::exchange(done_, nullptr)(false);
             }),
      calls_{scope_, std::move(client), process.settings.while_undoing()},
      book_(process.book),
      ledger_(std::move(ledger)),
      label_(ledger::label_of(ledger_->id)),
      holding_(calls_, book_, ledger_, std::move(save)) {}

void Undo::run(util::Function<void(bool clean)> done) {
  done_ = std::move(done);
  // Whatever knows an outpoint could claim the coins; an opening without one cannot.
  std::vector<Spark> all;
  std::vector<Spark> binding;
  for (const auto& record : ledger_->openings) {
    if (!ledger_->may_undo(*record)) continue;
    const bool binds = record->stage == Stage::completing || record->stage == Stage::completed || record->outpoint;
    all.push_back(undo_opening(record));
    if (binds) binding.push_back(all.back());
  }
  all.push_back(scope_.spark([this, binding = std::move(binding)](Completion completion) mutable {
    scope_.wait(std::move(binding), [this, c = std::move(completion)]() mutable { release(std::move(c)); });
  }));
  scope_.wait(std::move(all), [this] { std::exchange(done_, nullptr)(clean_); });
}

Spark Undo::undo_opening(const std::shared_ptr<ledger::OpeningRecord>& record) {
  peers_.push_back(std::make_unique<peers::PeerUndo>(calls_, book_, holding_, record));
  peers::PeerUndo& peer = *peers_.back();
  return scope_.spark([this, &peer](Completion completion) {
    peer.run([this, c = std::move(completion)](peers::PeerUndo::Outcome outcome) mutable {
      if (outcome != peers::PeerUndo::Outcome::gone) clean_ = false;
      if (outcome == peers::PeerUndo::Outcome::channel_remains) coins_bound_ = true;
      std::move(c).done();
    });
  });
}

void Undo::leave_coins() {
  coins_left_ = true;
  holding_.wait_for_answers();
}

bool Undo::found() const {
  return found_coins_ || std::any_of(peers_.begin(), peers_.end(), [](const auto& peer) { return peer->found(); });
}

void Undo::release(Completion completion) {
  if (coins_left_) return std::move(completion).done();
  auto& reservation = ledger_->reservation;
  if (!reservation.in_flight()) {
    release_now(std::move(completion));
    return;
  }
  const auto waiting = std::make_shared<Completion>(std::move(completion));
  reservation.when_answered(scope_.expect<>(
      "reservation", calls_.settings.cleanup_timeout, [this, waiting] { release_now(std::move(*waiting)); },
      [this, waiting] {
        util::warn(label_, ": lightningd does not say yet which inputs it has reserved");
        clean_ = false;
        std::move(*waiting).done();
      }));
}

void Undo::release_now(Completion completion) {
  if (!ledger_->reservation.held() || ledger_->sending || ledger_->waits()) {
    std::move(completion).done();
    return;
  }
  if (coins_bound_) {
    util::warn(label_, ": its inputs stay reserved, because a channel that spends them could not be removed");
    std::move(completion).done();
    return;
  }
  holding_.release([this, c = std::move(completion)](const util::Result<bool>& released) mutable {
    found_coins_ = released && *released;
    if (!released) {
      util::warn(label_, ": ", released.error().message);
      clean_ = false;
    }
    std::move(c).done();
  });
}

}  // namespace batch
