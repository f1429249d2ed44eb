#include "wallet/asking.hpp"

#include <algorithm>
#include <utility>

#include "bitcoin/fees.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace wallet {

using bitcoin::Outpoint;
using lightningd::Funded;
using lightningd::FundParams;
using lightningd::Reply;
using util::Error;
using util::Result;
using util::str;

namespace {

void record_first(ledger::ReservationRecord& record, std::uint32_t blocks, const Result<Funded>& funded) {
  if (funded) {
    record.reserved(funded->reservations, blocks);
  } else if (lightningd::in_doubt(funded.error())) {
    util::warn("it is in doubt whether inputs were reserved; if so, they are free again after ", blocks, " blocks");
  }
  record.answered();
}

/// Each placeholder is an output of our wallet's: it can be no dust there, and weighs more than many an address. What
/// that takes comes off the largest, so that what can be paid can be prepared.
std::vector<bitcoin::Sat> placeholder_amounts(const Payees& payees, bitcoin::Perkw feerate) {
  auto amounts = payees.amounts;
  if (amounts.empty()) return amounts;
  const funding::Outputs placeholders(payees.outputs.count);
  auto more = bitcoin::fee_for(placeholders.weight - payees.outputs.weight, feerate);
  for (auto& amount : amounts) {
    if (amount >= bitcoin::change_dust) continue;
    more = more + (bitcoin::change_dust - amount);
    amount = bitcoin::change_dust;
  }
  auto& largest = *std::max_element(amounts.begin(), amounts.end());
  if (largest >= more + bitcoin::channel_dust) largest = largest - more;
  return amounts;
}

}  // namespace

Asking::Asking(context::Calls calls, ledger::Book& book, Holding& holding)
    : calls_(std::move(calls)), book_(&book), holding_(&holding), ledger_(holding.ledger()) {}

void Asking::propose(const Choice& choice, const Payees& payees, Reply<Proposal> then) {
  choice_ = choice;
  least_change_ = {};
  fund(payees, Round::first, {}, std::move(then));
}

void Asking::repropose(const Payees& payees, Reply<Proposal> then) {
  auto again = payees;
  again.least_change = least_change_;
  fund(again, Round::again, ledger_->reservation.inputs(), std::move(then));
}

void Asking::fund(const Payees& payees, Round round, std::vector<Outpoint> coins, Reply<Proposal> then) {
  const auto params = fund_params(choice_.feerate, choice_.anchor_channel, payees, round);
  auto choice = choice_;
  if (round != Round::first) {
    choice.utxos = std::move(coins);
    choice.has_utxos = true;
  }
  auto answered = [this, payees, round, then = std::move(then)](const Result<Funded>& answer) mutable {
    funded(payees, round, std::move(then), answer);
  };
  const bool first = round == Round::first || round == Round::worthy;
  if (holding_ && first && calls_.settings.dry_run == context::DryRun::txprepare) {
    return prepare({params, choice, payees.outputs.count, placeholder_amounts(payees, choice_.feerate)},
                   std::move(answered));
  }
  auto guarded = calls_.local<Funded>("fundpsbt or utxopsbt", std::move(answered));
  if (!holding_) return choose_coins(calls_.client, params, choice, std::move(guarded));
  if (first) return reserve(params, choice, std::move(guarded));
  calls_.client.utxopsbt(params, ledger_->reservation.inputs(), true, std::move(guarded));
}

// What was reserved is recorded whoever still listens; the rest runs only while the batch lives.
void Asking::reserve(FundParams params, const Choice& choice, Reply<Funded> then) {
  params.reserve_blocks = calls_.settings.first_reservation;
  ledger_->reservation.asks_at(book_->reservations());
  ledger_->reservation.sent();
  choose_coins(calls_.client, params, choice,
               [ledger = ledger_, &book = *book_, blocks = params.reserve_blocks,
                then = std::move(then)](Result<Funded> answer) mutable {
                 record_first(ledger->reservation, blocks, answer);
                 if (answer) book.reserved(answer->reservations, ledger->id);
                 then(std::move(answer));
               });
}

void Asking::prepare(TxprepareDryRun::Wanted wanted, Reply<Funded> then) {
  // The last of its calls may have failed, with all handed over to us.
  if (ledger_->reservation.held()) {
    return holding_->release(
        [this, wanted = std::move(wanted), then = std::move(then)](const Result<bool>& released) mutable {
          if (!released) return then(released.error());
          if (ledger_->reservation.held())
            return then(Error{-1, "it is in doubt which inputs txprepare has reserved", {}});
          prepare(std::move(wanted), std::move(then));
        });
  }
  dry_run_ = std::make_unique<TxprepareDryRun>(calls_, *book_, ledger_);
  dry_run_->run(
      std::move(wanted), [this](Reply<void> saved) { holding_->save(std::move(saved)); }, std::move(then));
}

void Asking::funded(const Payees& payees, Round round, Reply<Proposal> then, const Result<Funded>& answer) {
  if (!answer && may_be_dust(answer.error(), payees, round, !choice_.has_utxos)) {
    return survey(payees, answer.error(), std::move(then));
  }
  if (!answer) return then(about_change(answer.error(), payees, choice_.feerate));
  auto reading = read_answer(*answer, payees, round, !choice_.has_utxos);
  if (!reading) return then(reading.error());
  if (reading->proposal) return then(std::move(*reading->proposal));
  if (!reading->left_out.empty()) return leave_out(std::move(*reading), std::move(then));
  ask_again(std::move(*reading), std::move(then));
}

// Coins that are chosen again are given back first.
void Asking::ask_again(Reading reading, Reply<Proposal> then) {
  if (!reading.trimmed.empty()) note(reading.trimmed);
  auto proposed = with_shares(std::move(reading.shares), std::move(then));
  if (!reading.choose_again) {
    least_change_ = std::max(least_change_, reading.settled.least_change);
    return fund(reading.settled, Round::again, std::move(reading.coins), std::move(proposed));
  }
  least_change_ = {};  // of other coins
  give_all_back([this, settled = std::move(reading.settled),
                 proposed = std::move(proposed)](const Result<void>& given_back) mutable {
    if (!given_back) return proposed(given_back.error());
    fund(settled, Round::first, {}, std::move(proposed));
  });
}

// Nothing is reserved by it. If it was not the coins' fault, the error stands.
void Asking::survey(const Payees& payees, const Error& error, Reply<Proposal> then) {
  auto read = [this, payees, error, then = std::move(then)](const Result<Funded>& answer) mutable {
    auto reading = answer ? read_survey(*answer, choice_.feerate, payees) : std::nullopt;
    if (!reading) return then(error);
    auto told = left_out(*reading, std::move(then));
    fund(reading->settled, Round::worthy, std::move(reading->coins), std::move(told));
  };
  calls_.client.fundpsbt(survey_params(choice_.anchor_channel, payees), choice_.minconf,
                         calls_.local<Funded>("fundpsbt", std::move(read)));
}

/// For the proposal that is made without them.
Reply<Proposal> Asking::left_out(Reading& reading, Reply<Proposal> then) {
  note(str(reading.left_out.size(), " coins would cost more than they bring at ", choice_.feerate.value,
           "perkw, and are left out"));
  least_change_ = reading.settled.least_change;
  return with_left_out(std::move(reading.left_out), std::move(then));
}

// The others stay reserved meanwhile.
void Asking::leave_out(Reading reading, Reply<Proposal> then) {
  std::vector<Outpoint> inputs;
  for (const auto& coin : reading.left_out) inputs.push_back(coin.outpoint);
  auto told = left_out(reading, std::move(then));
  give_back(std::move(inputs),
            [this, reading = std::move(reading), told = std::move(told)](const Result<void>& given_back) mutable {
              if (!given_back) return told(given_back.error());
              fund(reading.settled, Round::narrowed, std::move(reading.coins), std::move(told));
            });
}

// What is only looked at stays as it is.

void Asking::give_back(std::vector<Outpoint> coins, Reply<void> then) {
  if (!holding_) return then({});
  holding_->release(std::move(coins), std::move(then));
}

void Asking::give_all_back(Reply<void> then) {
  if (!holding_) return then({});
  holding_->release([then = std::move(then)](const Result<bool>& released) mutable {
    then(released ? Result<void>() : released.error());
  });
}

/// A preview's answer says it.
void Asking::note(const std::string& text) const {
  if (holding_) util::info(text);
}

}  // namespace wallet
