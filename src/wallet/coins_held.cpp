// Holding on to the inputs that were reserved.

#include <algorithm>
#include <utility>

#include "context/calls.hpp"
#include "util/log.hpp"
#include "util/mutation.hpp"
#include "wallet/coins.hpp"

namespace wallet {

using psbt::Psbt;
using bitcoin::Outpoint;
using lightningd::Reply;
using lightningd::Reservation;
using lightningd::WalletOutput;
using util::Error;
using util::Result;

namespace {

/// Nothing is ever reserved to this one.
constexpr std::uint32_t no_block = 0x7FFF'FFFF;

/// An extension whose answer was lost long ago: it shows whether it was carried out.
void settle_doubt(ledger::ReservationRecord& record, const std::vector<WalletOutput>& outputs) {
  const auto blocks = std::exchange(record.doubtful_blocks, 0);
  bool added = false;
  for (const auto& output : outputs) {
    const auto to = output.reserved_to_block;
    if (blocks == 0 || !output.reserved || to < blocks || record.explains_now(output.outpoint, to)) continue;
    if (!record.explains_now(output.outpoint, to - blocks)) continue;
    record.extended(output.outpoint, to, blocks);
    added = true;
  }
  if (added) record.blocks += blocks;
}

}  // namespace

Hold Coins::hold_of(const WalletOutput& output) const {
  const auto hold = hold_on(output, ledger_->reservation);
  if (hold != Hold::ours) return hold;
  const bool lost = book_.another_has_reserved(output.outpoint, ledger_->id, ledger_->reservation.since);
  return lost ? Hold::anothers : Hold::ours;
}

/// Of each input of the record; those that listfunds does not show are spent.
std::map<Outpoint, Hold> Coins::holds(const Outputs& outputs) const {
  std::map<Outpoint, Hold> holds;
  for (const auto& [outpoint, height] : ledger_->reservation.heights) holds[outpoint] = Hold::spent;
  for (const auto& output : outputs) {
    const auto input = holds.find(output.outpoint);
    if (input != holds.end()) input->second = hold_of(output);
  }
  return holds;
}

void Coins::hold(Reply<Taken> then) {
  listfunds([this, then = std::move(then)](const Result<Outputs>& outputs) mutable {
    if (!outputs) return then(outputs.error());
    for (const auto& [outpoint, hold] : holds(*outputs)) {
      if (hold == Hold::spent) return then(Taken(outpoint));
    }
    hold_unspent(*outputs, std::move(then));
  });
}

void Coins::hold_unspent(Reply<Taken> then) {
  listfunds([this, then = std::move(then)](const Result<Outputs>& outputs) mutable {
    if (!outputs) return then(outputs.error());
    hold_unspent(*outputs, std::move(then));
  });
}

void Coins::hold_unspent(const Outputs& outputs, Reply<Taken> then) {
  for (const auto& [outpoint, hold] : holds(outputs)) {
    if (hold == Hold::anothers) return then(Taken(outpoint));
  }
  reserve_free(outputs, std::move(then));
}

void Coins::keep_rest(Reply<void> then) {
  auto held = [this, then = std::move(then)](const Result<Taken>& taken) mutable {
    if (!taken) return then(taken.error());
    look_at_end([then = std::move(then)](const Result<Taken>& kept) mutable {
      then(kept ? Result<void>() : Result<void>(kept.error()));
    });
  };
  listfunds([this, held = std::move(held)](const Result<Outputs>& outputs) mutable {
    if (!outputs) return held(outputs.error());
    reserve_free(*outputs, std::move(held));
  });
}

/// Inputs of ours whose reservation has lapsed.
void Coins::reserve_free(const Outputs& outputs, Reply<Taken> then) {
  std::vector<Outpoint> lost;
  for (const auto& [outpoint, hold] : holds(outputs)) {
    if (hold == Hold::free) lost.push_back(outpoint);
  }
  if (lost.empty()) return then(Taken());
  settle_doubt(ledger_->reservation, outputs);  // of the others
  reserve_lost(std::move(lost), std::move(then));
}

// The height that they will be reserved to is recorded first, so that they are known to be ours.
void Coins::reserve_lost(std::vector<Outpoint> lost, Reply<Taken> then) {
  using lightningd::NodeInfo;
  auto reserve = [this, psbt = psbt_of(lost), then = std::move(then)](const Result<void>& saved) mutable {
    if (!saved) return then(saved.error());
    reserve_again(psbt, ledger_->reservation.blocks, [then = std::move(then)](const Result<void>& held) mutable {
      then(held ? Result<Taken>(Taken()) : Result<Taken>(held.error()));
    });
  };
  auto renew = [this, reserve = std::move(reserve)](const Result<NodeInfo>& node) mutable {
    if (!node) return reserve(node.error());
    ledger_->reservation.renewed_at = node->blockheight;
    save_(std::move(reserve));
  };
  calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", std::move(renew)));
}

// Nothing is reserved by it. If it was not the coins' fault, the error stands.
void Coins::survey(const Payees& payees, const Error& error, Reply<Proposal> then) {
  using lightningd::Funded;
  auto read = [this, payees, error, then = std::move(then)](const Result<Funded>& answer) mutable {
    auto reading = answer ? read_survey(*answer, choice_.feerate, payees) : std::nullopt;
    if (!reading) return then(error);
    worthy_ = reading->coins;
    auto told = left_out(*reading, std::move(then));
    fund(reading->settled, Round::worthy, std::move(told));
  };
  calls_.client.fundpsbt(survey_params(choice_.anchor_channel, payees), choice_.minconf,
                         calls_.local<Funded>("fundpsbt", std::move(read)));
}

/// For the proposal that is made without them.
Reply<Proposal> Coins::left_out(Reading& reading, Reply<Proposal> then) {
  util::info(reading.left_out.size(), " coins would cost more than they bring at ", choice_.feerate.value,
             "perkw, and are left out");
  least_change_ = reading.settled.least_change;
  return with_left_out(std::move(reading.left_out), std::move(then));
}

// The others stay reserved meanwhile.
void Coins::leave_out(Reading reading, Reply<Proposal> then) {
  std::vector<Outpoint> inputs;
  for (const auto& coin : reading.left_out) inputs.push_back(coin.outpoint);
  auto told = left_out(reading, std::move(then));
  drop(std::move(inputs),
       [this, settled = std::move(reading.settled), told = std::move(told)](Result<void> dropped) mutable {
         if (!dropped) return told(dropped.error());
         fund(settled, Round::narrowed, std::move(told));
       });
}

// Each is freed if it still is ours. What another user has by now is none of the batch's any more.
void Coins::drop(std::vector<Outpoint> inputs, Reply<void> then) {
  listfunds([this, inputs = std::move(inputs), then = std::move(then)](const Result<Outputs>& outputs) mutable {
    if (!outputs) return then(outputs.error());
    const auto held = holds(*outputs);
    std::vector<Outpoint> ours;
    for (const auto& input : inputs) {
      const auto found = held.find(input);
      const bool wrong = util::mutated("frees-coins-of-others");
      if (wrong || (found != held.end() && found->second == Hold::ours)) {
        ours.push_back(input);
      } else {
        ledger_->reservation.heights.erase(input);
      }
    }
    if (ours.empty()) return then({});
    disown(std::move(ours), std::move(then));
  });
}

// The record has none of them before they are freed: after a crash whoever has them by then keeps them, to whatever
// height. If the crash comes before that, they are free again when the first reservation has lapsed.
void Coins::disown(std::vector<Outpoint> inputs, Reply<void> then) {
  auto& heights = ledger_->reservation.heights;
  const auto held = heights;
  for (const auto& input : inputs) heights.erase(input);
  save_([this, inputs = std::move(inputs), then = std::move(then)](const Result<void>& saved) mutable {
    if (!saved) return then(saved.error());
    unreserve(std::move(inputs), std::move(then));
  });
  heights = held;
}

void Coins::unreserve(std::vector<Outpoint> inputs, Reply<void> then) {
  using Answer = Result<std::vector<Reservation>>;
  auto guarded =
      calls_.local<std::vector<Reservation>>("unreserveinputs", [then = std::move(then)](const Answer& answer) mutable {
        then(answer ? Result<void>() : Result<void>(answer.error()));
      });
  const auto psbt = psbt_of(inputs);
  const auto blocks = ledger_->reservation.most_blocks();
  ledger_->reservation.sent();
  calls_.client.unreserveinputs(
      psbt, blocks,
      [ledger = ledger_, inputs = std::move(inputs), guarded = std::move(guarded)](Answer answer) mutable {
        for (const auto& input : inputs) {
          if (answer) ledger->reservation.heights.erase(input);
        }
        ledger->reservation.answered();
        guarded(std::move(answer));
      });
}

void Coins::keep(Reply<Taken> then) {
  hold([this, then = std::move(then)](const Result<Taken>& taken) mutable {
    if (!taken || *taken) return then(taken);
    look_at_end(std::move(then));
  });
}

void Coins::look_at_end(Reply<Taken> then) {
  listfunds([this, then = std::move(then)](Result<Outputs> outputs) mutable {
    if (!outputs) return then(outputs.error());
    using lightningd::NodeInfo;
    auto judge = [this, outputs = std::move(*outputs), then = std::move(then)](const Result<NodeInfo>& node) mutable {
      if (!node) return then(node.error());
      if (!ends_soon(outputs, node->blockheight)) return then(Taken());
      extend_held(outputs, std::move(then));
    };
    calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", std::move(judge)));
  });
}

bool Coins::ends_soon(const Outputs& outputs, std::uint32_t height) const {
  return std::any_of(outputs.begin(), outputs.end(), [this, height](const WalletOutput& output) {
    return hold_of(output) == Hold::ours && output.reserved_to_block <= height + calls_.settings.reservation_margin;
  });
}

/// Every input is reserved as recorded, without anything that a sendpsbt has added.
bool Coins::holds_plainly(const Outputs& outputs) {
  auto& record = ledger_->reservation;
  const auto sent_blocks = std::exchange(record.sent_blocks, 0);
  const auto held = holds(outputs);
  record.sent_blocks = sent_blocks;
  return std::all_of(held.begin(), held.end(), [](const auto& input) { return input.second == Hold::ours; });
}

void Coins::extend_held(const Outputs& outputs, Reply<Taken> then) {
  auto& record = ledger_->reservation;
  settle_doubt(record, outputs);
  const auto blocks = calls_.settings.blocks_more(record.blocks);
  std::vector<Outpoint> ours;
  for (const auto& output : outputs) {
    if (hold_of(output) == Hold::ours) ours.push_back(output.outpoint);
  }
  record.doubtful_blocks = blocks;
  // In the end as many are reserved as the builtin reserves. Where a sendpsbt may have added some, it stays at that.
  if (record.sent_blocks > 0 && holds_plainly(outputs)) {
    record.sent_blocks = calls_.settings.blocks_when_sent(record.blocks + blocks);
  }
  save_([this, ours = std::move(ours), blocks, then = std::move(then)](const Result<void>& saved) mutable {
    if (saved) return add(ours, blocks, std::move(then));
    ledger_->reservation.doubtful_blocks = 0;
    then(saved.error());
  });
}

void Coins::before_closing(Closing then) {
  auto inside = [this, then = std::move(then)](spark::Gate::Pass pass) mutable {
    if (util::mutated("closes-over-others")) return then(Taken(), std::move(pass));
    claim_all_inputs();
    auto held = [pass = std::move(pass), then = std::move(then)](const Result<Taken>& taken) mutable {
      then(taken, std::move(pass));
    };
    hold_unspent(std::move(held));
  };
  closing_.enter(calls_.scope.guard<spark::Gate::Pass>("close", std::move(inside)));
}

// Inputs that were released may come to be spent by a channel all the same, one that is made late.
void Coins::claim_all_inputs() {
  auto& record = ledger_->reservation;
  const auto psbt = ledger_->plan ? Psbt::from_base64(*ledger_->plan->psbt) : Result<Psbt>(Error{});
  for (std::size_t i = 0; psbt && i < psbt->inputs().size(); ++i)
    record.heights.try_emplace(psbt->inputs()[i].outpoint);
  record.blocks = std::max(record.blocks, calls_.settings.first_reservation);
}

}  // namespace wallet
