#include "waiting/left_batch.hpp"

#include <algorithm>
#include <utility>

#include "util/log.hpp"
#include "util/str.hpp"

namespace waiting {

using report::BatchState;

namespace {

constexpr const char* no_channel = "the channel is gone: its peer has given it up, or it was closed";

/// A look that did not show it was wrong, or too early.
void tell_there(report::DestinationReport& destination) {
  if (!std::exchange(destination.is_gone, false)) return;
  destination.failure.reset();
  destination.state = report::DestinationState::secured;
}

}  // namespace

LeftBatch::LeftBatch(const peers::Process& the_process, context::Calls the_calls, journal::Kept kept,
                     report::BatchReport the_report)
    : process(the_process),
      calls(std::move(the_calls)),
      ledger(std::move(kept.ledger)),
      journal(std::move(kept.journal)),
      report(std::move(the_report)) {
  report.state = ledger->abort ? BatchState::aborting : ledger->waits() ? BatchState::waiting : BatchState::settling;
}

void LeftBatch::note(const std::string& text) {
  if (!report.recovery.empty() && report.recovery.back() == text) return;
  if (report.state == BatchState::unsettled) {
    util::warn(label(), ": ", text);
  } else {
    util::info(label(), ": ", text);
  }
  report.recovered(text);
}

void LeftBatch::announce_end(bool opened) const {
  auto told = report;
  opened ? told.opened() : told.undone(BatchState::undone);
  process.announcer.tell(told);
}

std::optional<std::string> LeftBatch::why_not_abort() const {
  if (ledger->phase != ledger::BatchPhase::sending)
    return "by its record it was never ready to be sent: see listmultifundchannels";
  if (ledger->plan && ledger->plan->is_users) {
    return "you have signed its transaction, and it may be sent: spend one of its inputs elsewhere if it must not be";
  }
  if (ending) return "it is being settled in this very moment: see listmultifundchannels, and try again";
  if (may_still_be_sent()) return "lightningd has not answered sendpsbt yet: try again";
  if (!ledger->reservation.held()) {
    return "its transaction is impossible already, and its inputs are free: what is left is shown by "
           "listmultifundchannels";
  }
  return std::nullopt;
}

// A command goes on when its connection has gone, say in a hook of another plugin.
void LeftBatch::wait_for_lost_send() { ledger->looked_at(process.runtime.now(), calls.settings.settle_quiet); }

bool LeftBatch::may_still_be_sent() const { return ledger->may_still_be_sent(process.runtime.now()); }

bool LeftBatch::is_being_cancelled() const {
  const auto since = process.runtime.now() - calls.settings.lost_after;
  return std::any_of(ledger->openings.begin(), ledger->openings.end(),
                     [this, since](const auto& opening) { return process.book.is_cancelling(opening->peer, since); });
}

std::string LeftBatch::tell_gone(const std::vector<lightningd::PeerChannel>& channels) {
  std::string gone;
  for (std::size_t i = 0; i < ledger->openings.size(); ++i) {
    const auto outpoint = ledger->outpoint_of(i);
    if (!outpoint) continue;
    const bool there = std::any_of(channels.begin(), channels.end(), [&outpoint](const auto& channel) {
      return channel.opened_by_us && channel.funding == outpoint && channel.lives();
    });
    auto& destination = report.destinations[i];
    if (there) {
      tell_there(destination);
      continue;
    }
    const auto id = ledger->openings[i]->peer.hex();
    gone += (gone.empty() ? "" : ", ") + id;
    destination.is_gone = true;
    destination.state = report::DestinationState::failed;
    destination.failure = {report::PeerMethod::fundchannel_complete, util::Error{-1, no_channel, {}}};
  }
  if (gone.empty()) return gone;
  auto text = util::str("no channel is left with ", gone, ": it cannot be finished, and has to be aborted");
  note(text);
  return text;
}

void LeftBatch::tell_all_there() {
  for (auto& destination : report.destinations) tell_there(destination);
}

void LeftBatch::look_for_broadcast(lightningd::Reply<bool> then) {
  auto seen = [this, then = std::move(then)](const util::Result<bool>& unspent) mutable {
    if (unspent && *unspent) ledger->comes_to(ledger::BatchPhase::waiting);
    then(unspent);
  };
  chain().is_unspent(ledger->first_funding(), calls.local<bool>("getutxout", std::move(seen)));
}

void LeftBatch::save(lightningd::Reply<void> then) { journal->save(calls.scope, *ledger, std::move(then)); }

void LeftBatch::keep_coins(lightningd::Reply<wallet::Holding::Taken> then) {
  make_holding();
  holding_->keep(wallet::Holding::Need::all, std::move(then));
}

void LeftBatch::keep_rest(lightningd::Reply<void> then) {
  make_holding();
  holding_->keep(wallet::Holding::Need::none,
                 [then = std::move(then)](const util::Result<wallet::Holding::Taken>& kept) mutable {
                   then(kept ? util::Result<void>() : util::Result<void>(kept.error()));
                 });
}

void LeftBatch::make_holding() {
  auto saving = [this](const ledger::Ledger& now, lightningd::Reply<void> saved) {
    journal->save(calls.scope, now, std::move(saved));
  };
  holding_ = std::make_unique<wallet::Holding>(calls, process.book, ledger, std::move(saving));
}

bool LeftBatch::must_wait(const ledger::ReservationRecord& reservation, std::optional<spark::Duration>& since) const {
  if (!reservation.in_flight()) since.reset();
  if (reservation.in_flight() && !since) since = process.runtime.now();
  return since && process.runtime.now() - *since < calls.settings.lost_after;
}

}  // namespace waiting
