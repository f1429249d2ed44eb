#include "wallet/holding.hpp"

#include <algorithm>
#include <utility>

#include "context/looks.hpp"
#include "psbt/psbt.hpp"
#include "util/log.hpp"

namespace wallet {

using bitcoin::Outpoint;
using ledger::ReservationRecord;
using lightningd::NodeInfo;
using lightningd::Reply;
using lightningd::WalletOutput;
using psbt::Psbt;
using util::Error;
using util::Result;

namespace {

Holding::Taken taken(Holding::Need need, const Holds& holds) {
  const auto spent = need == Holding::Need::all ? holds.first(Hold::spent) : std::nullopt;
  return spent || need == Holding::Need::none ? spent : holds.first(Hold::anothers);
}

}  // namespace

Holding::Holding(context::Calls calls, ledger::Book& book, std::shared_ptr<ledger::Ledger> ledger, Save save)
    : calls_(std::move(calls)),
      book_(book),
      ledger_(std::move(ledger)),
      save_(std::move(save)),
      closing_(calls_.scope.runtime(), 1) {}

Holds Holding::holds(const Outputs& outputs) const { return {outputs, *ledger_, book_}; }

// --- Holding ---

void Holding::hold(Need need, Reply<Taken> then) {
  context::look_at_coins(calls_, [this, need, then = std::move(then)](const Result<Outputs>& outputs) mutable {
    if (!outputs) return then(outputs.error());
    if (const auto lost = taken(need, holds(*outputs))) return then(lost);
    reserve_free(*outputs, std::move(then));
  });
}

void Holding::keep(Need need, Reply<Taken> then) {
  hold(need, [this, then = std::move(then)](const Result<Taken>& taken) mutable {
    if (!taken || *taken) return then(taken);
    look_at_end(std::move(then));
  });
}

/// Inputs of ours whose reservation has lapsed. The height that they will be reserved to is recorded first, so that
/// they are known to be ours.
void Holding::reserve_free(const Outputs& outputs, Reply<Taken> then) {
  auto lapsed = holds(outputs).those(Hold::free);
  if (lapsed.empty()) return then(Taken());
  if (waits_for_answers_ || ledger_->reservation.in_flight())
    return then(Error{jsonrpc::Caller::lost, "lightningd has not answered reserveinputs", {}});
  ledger_->reservation.settle_doubt(outputs);  // of the others
  auto renew = [this, lapsed = std::move(lapsed), free_at = book_.reservations(),
                then = std::move(then)](const Result<NodeInfo>& node) mutable {
    if (!node) return then(node.error());
    ledger_->reservation.announce_renewal(lapsed, node->blockheight, free_at);
    save([this, lapsed = std::move(lapsed), then = std::move(then)](const Result<void>& saved) mutable {
      if (!saved) return then(saved.error());
      reserve_again(lapsed, std::move(then));
    });
  };
  calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", std::move(renew)));
}

void Holding::reserve_again(const std::vector<Outpoint>& inputs, Reply<Taken> then) {
  auto guarded =
      calls_.local<Reservations>("reserveinputs", [then = std::move(then)](const Result<Reservations>& answer) mutable {
        then(answer ? Result<Taken>(Taken()) : Result<Taken>(answer.error()));
      });
  ledger_->reservation.renewal_sent();
  auto recorded = [ledger = ledger_, &book = book_, guarded = std::move(guarded)](Result<Reservations> answer) mutable {
    ledger->reservation.renewal_answered(answer);
    if (answer) book.reserved(*answer, ledger->id);
    guarded(std::move(answer));
  };
  calls_.client.reserveinputs(psbt_of(inputs), true, ledger_->reservation.blocks, std::move(recorded));
}

void Holding::before_closing(Closing then) {
  auto inside = [this, then = std::move(then)](spark::Gate::Pass pass) mutable {
    claim_all_inputs();
    hold(Need::unspent, [pass = std::move(pass), then = std::move(then)](const Result<Taken>& taken) mutable {
      then(taken, std::move(pass));
    });
  };
  closing_.enter(calls_.scope.guard<spark::Gate::Pass>("close", std::move(inside)));
}

// Inputs that were released may come to be spent by a channel all the same, one that is made late.
void Holding::claim_all_inputs() {
  if (ledger_->plan && ledger_->plan->is_users) return;
  const auto psbt = ledger_->plan ? Psbt::from_base64(*ledger_->plan->psbt) : Result<Psbt>(Error{});
  std::vector<Outpoint> inputs;
  for (std::size_t i = 0; psbt && i < psbt->inputs().size(); ++i) inputs.push_back(psbt->inputs()[i].outpoint);
  ledger_->reservation.claim(inputs, calls_.settings.first_reservation);
}

// --- Extending ---

bool Holding::extended() const { return ledger_->reservation.blocks > calls_.settings.first_reservation; }

void Holding::announce_extension() {
  if (!extended() && ledger_->reservation.held())
    ledger_->reservation.announce_extension(calls_.settings.longer_reservation);
}

void Holding::extend(Reply<Taken> then) {
  if (!extended()) return add(ledger_->reservation.inputs(), calls_.settings.longer_reservation, std::move(then));
  calls_.scope.runtime().post(calls_.scope.guard<>("extended", [then = std::move(then)]() mutable { then(Taken()); }));
}

void Holding::look_at_end(Reply<Taken> then) {
  context::look_at_coins(calls_, [this, then = std::move(then)](Result<Outputs> outputs) mutable {
    if (!outputs) return then(outputs.error());
    auto judge = [this, outputs = std::move(*outputs), then = std::move(then)](const Result<NodeInfo>& node) mutable {
      if (!node) return then(node.error());
      if (!ends_soon(outputs, node->blockheight)) return then(Taken());
      extend_held(outputs, std::move(then));
    };
    calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", std::move(judge)));
  });
}

bool Holding::ends_soon(const Outputs& outputs, std::uint32_t height) const {
  const auto last = height + calls_.settings.reservation_margin;
  return std::any_of(outputs.begin(), outputs.end(), [held = holds(outputs), last](const WalletOutput& output) {
    return held.is_ours(output.outpoint) && output.reserved_to_block <= last;
  });
}

/// Every input is reserved as recorded, without anything that a sendpsbt has added.
bool Holding::holds_plainly(const Outputs& outputs) const {
  const auto plain = ledger_->with(ledger_->reservation.without_sent());
  return Holds(outputs, *plain, book_).those(Hold::ours).size() == plain->reservation.heights.size();
}

void Holding::extend_held(const Outputs& outputs, Reply<Taken> then) {
  auto& record = ledger_->reservation;
  record.settle_doubt(outputs);
  const auto blocks = calls_.settings.blocks_more(record.blocks);
  const auto held = holds(outputs);
  std::vector<Outpoint> ours;
  for (const auto& output : outputs) {
    if (held.is_ours(output.outpoint)) ours.push_back(output.outpoint);
  }
  record.announce_extension(blocks);
  // In the end as many are reserved as the builtin reserves. Where a sendpsbt may have added some, it stays at that.
  if (record.sent_blocks > 0 && holds_plainly(outputs)) {
    record.send_adds(calls_.settings.blocks_when_sent(record.blocks + blocks));
  }
  save([this, ours = std::move(ours), blocks, then = std::move(then)](const Result<void>& saved) mutable {
    if (saved) return add(ours, blocks, std::move(then));
    ledger_->reservation.extension_dropped();
    then(saved.error());
  });
}

void Holding::add(const std::vector<Outpoint>& inputs, std::uint32_t blocks, Reply<Taken> then) {
  const auto foreign = std::make_shared<std::vector<Outpoint>>();
  auto guarded = calls_.local<Reservations>(
      "reserveinputs", [this, foreign, blocks, then = std::move(then)](const Result<Reservations>& answer) mutable {
        if (!answer) return then(answer.error());
        if (foreign->empty()) return then(Taken());
        give_back(*foreign, blocks, std::move(then));
      });
  ledger_->reservation.extension_sent(blocks);
  auto recorded = [ledger = ledger_, &book = book_, foreign, blocks,
                   guarded = std::move(guarded)](Result<Reservations> answer) mutable {
    if (answer) *foreign = ledger->reservation.foreign(*answer, blocks);
    if (answer) book.reserved_alone(*answer, ledger->id);
    ledger->reservation.extension_answered(answer);
    guarded(std::move(answer));
  };
  calls_.client.reserveinputs(psbt_of(inputs), false, blocks, std::move(recorded));
}

// Another user came in between: exactly what was added to theirs is taken away again.
void Holding::give_back(const std::vector<Outpoint>& foreign, std::uint32_t blocks, Reply<Taken> then) {
  auto given = [taken = foreign.front(), then = std::move(then)](const Result<Reservations>& answer) mutable {
    then(answer ? Result<Taken>(Taken(taken)) : Result<Taken>(answer.error()));
  };
  calls_.client.unreserveinputs(psbt_of(foreign), blocks,
                                calls_.local<Reservations>("unreserveinputs", std::move(given)));
}

// --- Releasing ---

void Holding::release(Reply<bool> then) {
  dry_run_ = std::make_unique<TxprepareDryRun>(calls_, book_, ledger_);
  dry_run_->discard_what_is_left([this, then = std::move(then)]() mutable {
    if (ledger_->reservation.in_flight()) {
      return then(Error{jsonrpc::Caller::lost, "lightningd has not answered txdiscard", {}});
    }
    context::look_at_coins(calls_, [this, then = std::move(then)](const Result<Outputs>& outputs) mutable {
      if (!outputs) return then(outputs.error());
      release_ours(*outputs, std::move(then));
    });
  });
}

void Holding::release_ours(const Outputs& outputs, Reply<bool> then) {
  auto& record = ledger_->reservation;
  const auto held = holds(outputs);
  auto ours = held.those(Hold::ours);
  for (const auto& input : held.those(Hold::anothers)) {
    util::info("input ", input.str(), " is reserved by another program now");
  }
  if (ours.empty()) {
    // A txprepare whose answer was lost may still come.
    if (!record.prepared || !record.prepared->asked) record.released();
    return then(false);
  }
  // lightningd subtracts the blocks. Each of these inputs is reserved by us alone, for that many at most; nobody
  // asks for it a second time before this is answered, since the next user's reservation would be hit by that.
  auto blocks = record.most_blocks();
  // What a sendpsbt has added stays, where lightningd or the plugin ended before it was taken back.
  for (const auto& output : outputs) {
    if (record.sent_blocks > 0 && held.is_ours(output.outpoint)) blocks = std::max(blocks, output.reserved_to_block);
  }
  auto note = [](ReservationRecord& reservation, bool freed) { reservation.release_answered(freed); };
  unreserve(ours, blocks, std::move(note), [then = std::move(then)](const Result<void>& freed) mutable {
    then(freed ? Result<bool>(true) : Result<bool>(freed.error()));
  });
}

void Holding::release(std::vector<Outpoint> inputs, Reply<void> then) {
  context::look_at_coins(
      calls_, [this, inputs = std::move(inputs), then = std::move(then)](const Result<Outputs>& outputs) mutable {
        if (!outputs) return then(outputs.error());
        release_these(inputs, *outputs, std::move(then));
      });
}

void Holding::release_these(const std::vector<Outpoint>& inputs, const Outputs& outputs, Reply<void> then) {
  const auto held = holds(outputs);
  std::vector<Outpoint> ours;
  for (const auto& input : inputs) {
    if (held.is_ours(input)) {
      ours.push_back(input);
    } else {
      ledger_->reservation.drop({input});
    }
  }
  if (ours.empty()) return then({});
  disown(std::move(ours), std::move(then));
}

// The record has none of them before they are freed: after a crash whoever has them by then keeps them, to whatever
// height. If the crash comes before that, they are free again when the first reservation has lapsed.
void Holding::disown(std::vector<Outpoint> inputs, Reply<void> then) {
  const auto without = ledger_->with(ledger_->reservation.without(inputs));
  save_(*without, [this, inputs = std::move(inputs), then = std::move(then)](const Result<void>& saved) mutable {
    if (!saved) return then(saved.error());
    auto note = [inputs](ReservationRecord& record, bool freed) {
      if (freed) record.drop(inputs);
    };
    unreserve(inputs, ledger_->reservation.most_blocks(), std::move(note), std::move(then));
  });
}

void Holding::unreserve(const std::vector<Outpoint>& inputs, std::uint32_t blocks, Note note, Reply<void> then) {
  auto guarded = calls_.local<Reservations>("unreserveinputs",
                                            [then = std::move(then)](const Result<Reservations>& answer) mutable {
                                              then(answer ? Result<void>() : Result<void>(answer.error()));
                                            });
  ledger_->reservation.sent();
  auto recorded = [ledger = ledger_, note = std::move(note),
                   guarded = std::move(guarded)](Result<Reservations> answer) mutable {
    note(ledger->reservation, answer.ok());
    ledger->reservation.answered();
    guarded(std::move(answer));
  };
  calls_.client.unreserveinputs(psbt_of(inputs), blocks, std::move(recorded));
}

}  // namespace wallet
