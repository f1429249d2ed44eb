#include "batch/held_inputs.hpp"

#include <utility>

#include "util/log.hpp"
#include "util/str.hpp"

namespace batch {

using util::Error;
using util::Result;
using util::str;
using wallet::Holding;

void HeldInputs::hold(util::Function<void()> then) {
  if (!holding_.ledger()->reservation.held()) return then();  // the user's coins are the user's to keep
  holding_.hold(Holding::Need::all, if_ours(std::move(then)));
}

void HeldInputs::extend(util::Function<void()> then) {
  if (!holding_.ledger()->reservation.held()) return then();
  holding_.extend(if_ours(std::move(then)));
}

lightningd::Reply<Holding::Taken> HeldInputs::if_ours(util::Function<void()> then) {
  return [this, then = std::move(then)](const Result<Holding::Taken>& taken) mutable {
    if (still_ours(taken)) then();
  };
}

bool HeldInputs::still_ours(const Result<Holding::Taken>& taken) {
  if (taken && !*taken) return true;
  lost_(taken ? Error{-1, str("input ", (*taken)->str(), " was taken by another program meanwhile"), {}}
              : taken.error());
  return false;
}

void HeldInputs::block_added(std::uint32_t height) {
  const auto& ledger = *holding_.ledger();
  const auto& reservation = ledger.reservation;
  if (!waiting_ || extending_ || reservation.in_flight() || calls_.scope.ended()) return;
  if (!reservation.ends_by(height + calls_.settings.early_extension)) return;
  const auto label = ledger::label_of(ledger.id);
  util::info(label, ": extending the reservation of its inputs at block ", height);
  extending_ = true;
  holding_.keep(Holding::Need::all, [this, label](const Result<Holding::Taken>& taken) {
    extending_ = false;
    // What lightningd has refused may work at the next block, or when the inputs are held for the transaction.
    const bool later = !taken && !lightningd::in_doubt(taken.error());
    if (later) util::info(label, ": not extended: ", taken.error().message);
    if (!later && !still_ours(taken)) return;
    if (auto then = std::exchange(when_extended_, nullptr)) then();
  });
}

void HeldInputs::stop_waiting(util::Function<void()> then) {
  waiting_ = false;
  if (!extending_) return then();
  when_extended_ = std::move(then);
}

}  // namespace batch
