#include "wallet/coins.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "context/calls.hpp"
#include "util/log.hpp"
#include "util/mutation.hpp"
#include "util/str.hpp"
#include "wallet/holds.hpp"
#include "wallet/txprepare_dry_run.hpp"

namespace wallet {

using psbt::Psbt;
using lightningd::Funded;
using bitcoin::Outpoint;
using lightningd::Reply;
using lightningd::Reservation;
using bitcoin::Sat;
using lightningd::WalletOutput;
using util::Error;
using util::Result;
using util::str;

namespace {

void record_heights(ledger::ReservationRecord& record, const std::vector<Reservation>& reservations) {
  for (const auto& reservation : reservations) record.heights[reservation.outpoint] = reservation.reserved_to_block;
}

void note_owner(ledger::Book& book, const std::string& batch, const std::vector<Reservation>& reservations) {
  for (const auto& reservation : reservations) book.reserved(reservation.outpoint, batch);
}

void record_first(ledger::ReservationRecord& record, std::uint32_t blocks, const Result<Funded>& funded) {
  if (funded) {
    record.blocks = blocks;
    record_heights(record, funded->reservations);
  } else if (lightningd::in_doubt(funded.error())) {
    util::warn("it is in doubt whether inputs were reserved; if so, they are free again after ", blocks, " blocks");
  }
  record.answered();
}

/// Inputs that were free are reserved for the blocks asked for and no more.
void record_fresh(ledger::ReservationRecord& record, const Result<std::vector<Reservation>>& reservations) {
  if (reservations) {
    record.blocks = record.doubtful_blocks;
    record_heights(record, *reservations);
  }
  if (reservations || !lightningd::in_doubt(reservations.error())) record.doubtful_blocks = 0;
  record.answered();
}

/// Those among the inputs of an extension that were not reserved by us alone just before: the sum is not
/// what it should be.
std::vector<Outpoint> foreign_inputs(const ledger::ReservationRecord& record,
                                     const std::vector<Reservation>& reservations, std::uint32_t blocks) {
  std::vector<Outpoint> foreign;
  for (const auto& [outpoint, to] : reservations) {
    if (to < blocks || !record.explains_now(outpoint, to - blocks)) foreign.push_back(outpoint);
  }
  return foreign;
}

/// Only what was ours before is so afterwards.
void record_extension(ledger::ReservationRecord& record, const Result<std::vector<Reservation>>& reservations) {
  const auto blocks = record.doubtful_blocks;
  if (reservations) {
    for (const auto& [outpoint, to] : *reservations) {
      if (to >= blocks && record.explains_now(outpoint, to - blocks)) record.extended(outpoint, to, blocks);
    }
    record.blocks += blocks;
  }
  if (reservations || !lightningd::in_doubt(reservations.error())) record.doubtful_blocks = 0;
  record.answered();
}

std::vector<Outpoint> outpoints_of(const ledger::ReservationRecord& record) {
  std::vector<Outpoint> outpoints;
  for (const auto& [outpoint, height] : record.heights) outpoints.push_back(outpoint);
  return outpoints;
}

}  // namespace

Coins::Coins(context::Calls calls, ledger::Book& book, std::shared_ptr<ledger::Ledger> ledger, Save save)
    : calls_(std::move(calls)),
      book_(book),
      ledger_(std::move(ledger)),
      save_(std::move(save)),
      closing_(calls_.scope.runtime(), 1) {}

Coins::~Coins() = default;

void Coins::reserve(const Choice& choice, const Payees& payees, Reply<Proposal> then) {
  choice_ = choice;
  least_change_ = {};
  fund(payees, Round::first, std::move(then));
}

void Coins::repropose(const Payees& payees, Reply<Proposal> then) {
  auto again = payees;
  again.least_change = least_change_;
  fund(again, Round::again, std::move(then));
}

void Coins::fund(const Payees& payees, Round round, Reply<Proposal> then) {
  const bool first = round == Round::first || round == Round::worthy;
  const bool chosen = choice_.has_utxos || round == Round::worthy;
  const auto& utxos = round == Round::worthy ? worthy_ : choice_.utxos;
  auto params = fund_params(choice_.feerate, choice_.anchor_channel, payees);
  auto answered = [this, payees, round, then = std::move(then)](const Result<Funded>& answer) mutable {
    funded(payees, round, std::move(then), answer);
  };
  if (first && calls_.settings.dry_run == context::DryRun::txprepare) {
    return prepare({params, choice_.minconf, utxos, chosen, payees.count, payees.amounts}, std::move(answered));
  }
  auto guarded = calls_.local<Funded>("fundpsbt or utxopsbt", std::move(answered));
  if (!first) {
    calls_.client.utxopsbt(params, outpoints_of(ledger_->reservation), true, std::move(guarded));
    return;
  }

  // What was reserved is recorded whoever still listens; the rest runs only while the batch lives.
  params.reserve_blocks = calls_.settings.first_reservation;
  ledger_->reservation.since = book_.reservations();
  ledger_->reservation.sent();
  auto recorded = [ledger = ledger_, &book = book_, blocks = params.reserve_blocks,
                   guarded = std::move(guarded)](Result<Funded> answer) mutable {
    record_first(ledger->reservation, blocks, answer);
    if (answer) note_owner(book, ledger->id, answer->reservations);
    guarded(std::move(answer));
  };
  if (chosen) {
    calls_.client.utxopsbt(params, utxos, false, std::move(recorded));
  } else {
    calls_.client.fundpsbt(params, choice_.minconf, std::move(recorded));
  }
}

void Coins::prepare(TxprepareDryRun::Wanted wanted, Reply<Funded> then) {
  // The last of its calls may have failed, with all handed over to us.
  if (ledger_->reservation.held()) {
    return release([this, wanted = std::move(wanted), then = std::move(then)](const Result<bool>& released) mutable {
      if (!released) return then(released.error());
      prepare(std::move(wanted), std::move(then));
    });
  }
  dry_run_ = std::make_unique<TxprepareDryRun>(calls_, book_, ledger_);
  dry_run_->run(
      std::move(wanted), [this](Reply<void> saved) { save_(std::move(saved)); }, std::move(then));
}

void Coins::funded(const Payees& payees, Round round, Reply<Proposal> then, const Result<Funded>& answer) {
  if (!answer && may_be_dust(answer.error(), payees, round, !choice_.has_utxos)) {
    return survey(payees, answer.error(), std::move(then));
  }
  if (!answer) return then(answer.error());
  auto reading = read_answer(*answer, payees, round, !choice_.has_utxos);
  if (!reading) return then(reading.error());
  if (reading->proposal) return then(std::move(*reading->proposal));
  if (!reading->left_out.empty()) return leave_out(std::move(*reading), std::move(then));
  ask_again(std::move(*reading), std::move(then));
}

// Coins that are chosen again are given back first.
void Coins::ask_again(Reading reading, Reply<Proposal> then) {
  if (!reading.trimmed.empty()) util::info(reading.trimmed);
  auto proposed = with_shares(std::move(reading.shares), std::move(then));
  if (!reading.choose_again) return fund(reading.settled, Round::again, std::move(proposed));
  least_change_ = {};  // of other coins
  release([this, settled = std::move(reading.settled),
           proposed = std::move(proposed)](const Result<bool>& released) mutable {
    if (!released) return proposed(released.error());
    fund(settled, Round::first, std::move(proposed));
  });
}

bool Coins::extended() const { return ledger_->reservation.blocks > calls_.settings.first_reservation; }

void Coins::announce_extension() {
  if (!extended()) ledger_->reservation.doubtful_blocks = calls_.settings.longer_reservation;
}

void Coins::extend(Reply<Taken> then) {
  if (!extended()) return add(outpoints_of(ledger_->reservation), calls_.settings.longer_reservation, std::move(then));
  calls_.scope.runtime().post(calls_.scope.guard<>("extended", [then = std::move(then)]() mutable { then(Taken()); }));
}

void Coins::add(const std::vector<Outpoint>& inputs, std::uint32_t blocks, Reply<Taken> then) {
  using Answer = Result<std::vector<Reservation>>;
  const auto foreign = std::make_shared<std::vector<Outpoint>>();
  auto guarded = calls_.local<std::vector<Reservation>>(
      "reserveinputs", [this, foreign, blocks, then = std::move(then)](const Answer& answer) mutable {
        if (!answer) return then(answer.error());
        if (foreign->empty()) return then(Taken());
        give_back(*foreign, blocks, std::move(then));
      });
  ledger_->reservation.sent();
  ledger_->reservation.doubtful_blocks = blocks;
  calls_.client.reserveinputs(psbt_of(inputs), false, blocks,
                              [ledger = ledger_, foreign, blocks, guarded = std::move(guarded)](Answer answer) mutable {
                                if (answer) *foreign = foreign_inputs(ledger->reservation, *answer, blocks);
                                record_extension(ledger->reservation, answer);
                                guarded(std::move(answer));
                              });
}

// Somebody came in between: exactly what was added to theirs is taken away again.
void Coins::give_back(const std::vector<Outpoint>& foreign, std::uint32_t blocks, Reply<Taken> then) {
  using Answer = Result<std::vector<Reservation>>;
  calls_.client.unreserveinputs(
      psbt_of(foreign), blocks,
      calls_.local<std::vector<Reservation>>(
          "unreserveinputs", [taken = foreign.front(), then = std::move(then)](const Answer& answer) mutable {
            if (!answer) return then(answer.error());
            then(Taken(taken));
          }));
}

void Coins::reserve_again(const util::SharedText& psbt, std::uint32_t blocks, Reply<void> then) {
  using Answer = Result<std::vector<Reservation>>;
  auto guarded =
      calls_.local<std::vector<Reservation>>("reserveinputs", [then = std::move(then)](const Answer& answer) mutable {
        then(answer ? Result<void>() : Result<void>(answer.error()));
      });
  ledger_->reservation.since = book_.reservations();
  ledger_->reservation.sent();
  ledger_->reservation.doubtful_blocks = blocks;
  calls_.client.reserveinputs(psbt, true, blocks,
                              [ledger = ledger_, &book = book_, guarded = std::move(guarded)](Answer answer) mutable {
                                record_fresh(ledger->reservation, answer);
                                if (answer) note_owner(book, ledger->id, *answer);
                                guarded(std::move(answer));
                              });
}

void Coins::release(Reply<bool> then) {
  dry_run_ = std::make_unique<TxprepareDryRun>(calls_, book_, ledger_);
  dry_run_->discard_what_is_left([this, then = std::move(then)]() mutable {
    if (!ledger_->reservation.in_flight) return release_now(std::move(then));
    then(Error{jsonrpc::Caller::lost, "lightningd has not answered txdiscard", {}});
  });
}

void Coins::release_now(Reply<bool> then) {
  listfunds([this, then = std::move(then)](const Result<Outputs>& outputs) mutable {
    if (!outputs) return then(outputs.error());
    release_ours(std::move(then), *outputs);
  });
}

void Coins::release_ours(Reply<bool> then, const Outputs& outputs) {
  const auto& record = ledger_->reservation;
  std::vector<Outpoint> ours;
  for (const auto& [outpoint, hold] : holds(outputs)) {
    if (hold == Hold::anothers) util::info("input ", outpoint.str(), " is reserved by another program now");
    const bool wrong = util::mutated("frees-coins-of-others") && hold == Hold::anothers;
    if (hold == Hold::ours || wrong) ours.push_back(outpoint);
  }
  if (ours.empty()) {
    // A txprepare whose answer was lost may still come.
    if (!record.prepared || !record.prepared->asked) ledger_->reservation.released();
    return then(false);
  }
  using Answer = Result<std::vector<Reservation>>;
  auto guarded =
      calls_.local<std::vector<Reservation>>("unreserveinputs", [then = std::move(then)](const Answer& answer) mutable {
        if (!answer) return then(answer.error());
        then(true);
      });
  // lightningd subtracts the blocks. Each of these inputs is reserved by us alone, for that many at most; nobody
  // asks for it a second time before this is answered, since the next user's reservation would be hit by that.
  auto blocks = record.most_blocks();
  // What a sendpsbt has added stays, where lightningd or the plugin ended before it was taken back.
  for (const auto& output : outputs) {
    const bool is_ours = std::find(ours.begin(), ours.end(), output.outpoint) != ours.end();
    if (record.sent_blocks > 0 && is_ours) blocks = std::max(blocks, output.reserved_to_block);
  }
  ledger_->reservation.sent();
  calls_.client.unreserveinputs(psbt_of(ours), blocks,
                                [ledger = ledger_, guarded = std::move(guarded)](Answer answer) mutable {
                                  if (answer) ledger->reservation.released();
                                  ledger->reservation.freed = answer.ok();
                                  ledger->reservation.answered();
                                  guarded(std::move(answer));
                                });
}

void Coins::listfunds(Reply<Outputs> then) { look_at_coins(calls_, std::move(then)); }

}  // namespace wallet
