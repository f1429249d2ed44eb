#include "preview/quote.hpp"

#include <utility>

#include "context/calls.hpp"

namespace preview {

using lightningd::Funded;
using lightningd::Reply;
using util::Result;

void Quote::ask(const wallet::Asking::Choice& choice, const wallet::Payees& payees, Reply<wallet::Proposal> then) {
  choice_ = choice;
  fund(payees, wallet::Round::first, std::nullopt, std::move(then));
}

// Zero blocks: lightningd reserves nothing then.
void Quote::fund(const wallet::Payees& payees, wallet::Round round, const SameCoins& same,
                 Reply<wallet::Proposal> then) {
  auto params = wallet::fund_params(choice_.feerate, choice_.anchor_channel, payees, round);
  params.reserve_blocks = 0;
  auto guarded = calls_.local<Funded>(
      "fundpsbt or utxopsbt", [this, payees, round, then = std::move(then)](const Result<Funded>& answer) mutable {
        funded(payees, round, std::move(then), answer);
      });
  if (same || choice_.has_utxos) {
    calls_.client.utxopsbt(params, same ? *same : choice_.utxos, false, std::move(guarded));
  } else {
    calls_.client.fundpsbt(params, choice_.minconf, std::move(guarded));
  }
}

void Quote::funded(const wallet::Payees& payees, wallet::Round round, Reply<wallet::Proposal> then,
                   const Result<Funded>& answer) {
  if (!answer && wallet::may_be_dust(answer.error(), payees, round, !choice_.has_utxos)) {
    return survey(payees, answer.error(), std::move(then));
  }
  if (!answer) return then(wallet::about_change(answer.error(), payees, choice_.feerate));
  auto reading = wallet::read_answer(*answer, payees, round, !choice_.has_utxos);
  if (!reading) return then(reading.error());
  if (reading->proposal) return then(std::move(*reading->proposal));
  if (!reading->left_out.empty()) return leave_out(std::move(*reading), wallet::Round::narrowed, std::move(then));
  const auto same = reading->choose_again ? SameCoins() : SameCoins(std::move(reading->coins));
  const auto next = reading->choose_again ? wallet::Round::first : wallet::Round::again;
  fund(reading->settled, next, same, wallet::with_shares(std::move(reading->shares), std::move(then)));
}

void Quote::survey(const wallet::Payees& payees, const util::Error& error, Reply<wallet::Proposal> then) {
  auto read = [this, payees, error, then = std::move(then)](const Result<Funded>& answer) mutable {
    auto reading = answer ? wallet::read_survey(*answer, choice_.feerate, payees) : std::nullopt;
    if (!reading) return then(error);
    leave_out(std::move(*reading), wallet::Round::worthy, std::move(then));
  };
  calls_.client.fundpsbt(wallet::survey_params(choice_.anchor_channel, payees), choice_.minconf,
                         calls_.local<Funded>("fundpsbt", std::move(read)));
}

void Quote::leave_out(wallet::Reading reading, wallet::Round round, Reply<wallet::Proposal> then) {
  fund(reading.settled, round, std::move(reading.coins),
       wallet::with_left_out(std::move(reading.left_out), std::move(then)));
}

}  // namespace preview
