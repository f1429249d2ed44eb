#include "recovery/impossibility.hpp"

#include <utility>

#include "chain/depth.hpp"
#include "util/str.hpp"

namespace recovery {

using rivals::Abort;
using rivals::DeadOutputs;
using rivals::Rival;
using rivals::UnrecordedRival;
using util::Result;
using util::str;

namespace {

/// So deep the decision has been final for a day: what is not cleared up by then never may be.
constexpr std::uint32_t settled_long_ago = chain::deep_enough + 144;

constexpr auto not_reserved = "outputs that never come to be are not reserved: ";

}  // namespace

// What is deep in the chain settles it; else nobody can tell.
void Impossibility::look_for_rival(const std::string& what, Done done) {
  done_ = std::move(done);
  look([this, what](const std::string& found, bool) {
    batch_.keep_rest([this, what, found](const Result<void>&) {
      later(str(what, found.empty() ? "" : ", ", found,
                ", and the transaction may have been sent: it is neither sent again nor undone"));
    });
  });
}

void Impossibility::abort(Done done) {
  done_ = std::move(done);
  batch_.wait_for_lost_send();
  if (batch_.may_still_be_sent()) return later("lightningd has not answered sendpsbt yet");
  look([this](const std::string& found, bool wait) { wait ? later(found) : send_abort(); });
}

void Impossibility::look(Undecided then) {
  abort_ = std::make_unique<Abort>(batch_.calls, batch_.process.book, batch_.ledger);
  abort_->look([this, then = std::move(then)](Abort::Outcome outcome, const std::string& what) mutable {
    switch (outcome) {
      case Abort::Outcome::won:
        return impossible(what, abort_->depth());
      case Abort::Outcome::lost:
        return lost(what);
      case Abort::Outcome::unsent:
        return look_for_unrecorded(std::move(then));
      case Abort::Outcome::waiting:
        return then(what, true);
    }
  });
}

void Impossibility::look_for_unrecorded(Undecided then) {
  auto looked = [this, then = std::move(then)](const Result<std::optional<UnrecordedRival::Found>>& found) mutable {
    if (!found) return then(found.error().message, true);
    if (!*found) return then({}, false);
    if ((*found)->depth < chain::deep_enough) return then((*found)->str(), true);
    impossible((*found)->str(), (*found)->depth);
  };
  unrecorded_.look(abort_->height(), std::move(looked));
}

void Impossibility::lost(const std::string& what) {
  if (!batch_.ledger->abort) return end(Outcome::sent, {});
  batch_.note(what);
  reserve_dead_outputs(DeadOutputs::Own::confirmed, [this](const Result<void>& reserved) {
    if (!reserved && abort_->depth() < settled_long_ago) return later(reserved.error().message);
    if (!reserved) batch_.note(str(not_reserved, reserved.error().message));
    batch_.ledger->abort_lost();
    end(Outcome::sent, {});
  });
}

void Impossibility::reserve_dead_outputs(DeadOutputs::Own own, lightningd::Reply<void> then) {
  dead_ = std::make_unique<DeadOutputs>(batch_.calls, batch_.ledger);
  dead_->reserve(own, abort_->height(), std::move(then));
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
// again. What may be refused comes first: with the channels the proof may go.
void Impossibility::impossible(const std::string& why, std::uint32_t depth) {
  batch_.note(why + ": the transaction never confirms");
  if (batch_.must_wait()) return later("lightningd has not answered a call that changes reservations yet");
  batch_.ending = true;
  batch_.process.book.never_confirms(batch_.ledger->plan->txid);
  const bool long_ago = depth >= settled_long_ago;
  reserve_dead_outputs(DeadOutputs::Own::impossible, [this, long_ago](const Result<void>& reserved) {
    if (!reserved && !long_ago) return later(reserved.error().message);
    if (!reserved) batch_.note(str(not_reserved, reserved.error().message));
    clear_up(long_ago);
  });
}

void Impossibility::clear_up(bool last_try) {
  removal_ = std::make_unique<Removal>(batch_.calls, batch_.process.book, last_try);
  removal_->run(batch_.ledger, batch_.journal, [this](const Result<std::vector<std::string>>& kept) {
    if (!kept) return later(kept.error().message);
    for (const auto& channel : *kept) batch_.note(channel);
    end(Outcome::impossible, {});
  });
}

void Impossibility::end(Outcome outcome, const std::string& why) { std::exchange(done_, nullptr)(outcome, why); }

}  // namespace recovery
