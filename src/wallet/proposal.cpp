#include "wallet/proposal.hpp"

#include <algorithm>
#include <utility>

#include "bitcoin/fees.hpp"
#include "lightningd/codes.hpp"
#include "lightningd/features.hpp"
#include "util/str.hpp"

namespace wallet {

using bitcoin::Sat;
using lightningd::Funded;
using util::Error;
using util::Result;
using util::str;

namespace {

/// lightningd takes none below.
constexpr bitcoin::Perkw lowest_feerate{253};

Result<funding::Template> read_template(const Funded& funded) {
  auto psbt = psbt::Psbt::from_base64(funded.psbt);
  if (!psbt) return Error{-1, str("the wallet's PSBT: ", psbt.error().message), {}};
  funding::Template draft;
  draft.psbt = std::move(*psbt);
  draft.feerate = funded.feerate;
  draft.weight = funded.estimated_final_weight;
  draft.excess = Sat{funded.excess.value / 1000};
  draft.has_change = funded.change_outnum.has_value();
  if (const auto checked = funding::check_inputs(draft.psbt); !checked) return checked.error();
  return draft;
}

/// In the words of the builtin, which programs look for.
std::string trimmed_line(const Payees& payees, const funding::Division& division) {
  const auto& claims = payees.claims;
  if (claims.size() != 1 || !claims[0].share.is_all() || division.sum != claims[0].cap) return {};
  if (division.rest.value == 0) return {};
  return str("'all' was too large for non-wumbo channel, trimming from ", (division.sum + division.rest).value,
             "sat to ", division.sum.value, "sat");
}

/// The only share, of everything.
bool could_have_all(const Payees& payees) {
  const auto& claims = payees.claims;
  return claims.size() == 1 && (claims[0].share.weight > 0 || claims[0].share.parts == request::Share::whole);
}

/// The same payees and coins, with a change output: what is not asked for is in it.
Reading with_change(const funding::Template& draft, const Payees& payees) {
  Reading reading;
  reading.settled = payees;
  if (!payees.claims.empty()) {
    const Sat kept = draft.has_change ? draft.psbt.outputs()[0].amount : Sat{};
    reading.settled.least_change = std::max(kept, payees.keep_change);
  }
  for (const auto& input : draft.psbt.inputs()) reading.coins.push_back(input.outpoint);
  return reading;
}

/// The same payees and coins, without those that are not worth it.
Reading narrowed(const funding::Template& draft, const Payees& payees, std::vector<funding::Coin> left_out) {
  Reading reading;
  reading.settled = payees;
  // With these coins in it, lightningd does not count them among what is left in the wallet.
  if (draft.has_change) {
    reading.settled.least_change = draft.psbt.outputs()[0].amount;
  }
  reading.settled.least_change = std::max(reading.settled.least_change, payees.keep_change);
  for (const auto& input : draft.psbt.inputs()) {
    const bool out = std::any_of(left_out.begin(), left_out.end(),
                                 [&input](const funding::Coin& coin) { return coin.outpoint == input.outpoint; });
    if (!out) reading.coins.push_back(input.outpoint);
  }
  reading.left_out = std::move(left_out);
  return reading;
}

Reading ready(funding::Template draft, Shares shares, Sat paid, const funding::Outputs& outputs) {
  Reading reading;
  reading.proposal = Proposal{funding::without_poor_change(std::move(draft), paid, outputs), std::move(shares), paid};
  return reading;
}

/// What has to be paid for an output to keep change in, and rounding.
Sat cost_of_keeping(bitcoin::Perkw feerate) { return fee_for(bitcoin::output_weight, feerate) + Sat{1}; }

/// Whether this round decides which coins pay.
bool chooses(Round round) { return round == Round::first || round == Round::worthy; }

}  // namespace

lightningd::Reply<Proposal> with_shares(Shares shares, lightningd::Reply<Proposal> then) {
  if (shares.empty()) return then;
  return [shares = std::move(shares), then = std::move(then)](Result<Proposal> proposal) mutable {
    if (proposal) proposal->shares = std::move(shares);
    then(std::move(proposal));
  };
}

lightningd::Reply<Proposal> with_left_out(std::vector<funding::Coin> coins, lightningd::Reply<Proposal> then) {
  return [coins = std::move(coins), then = std::move(then)](Result<Proposal> proposal) mutable {
    if (proposal) proposal->left_out = std::move(coins);
    then(std::move(proposal));
  };
}

void Payees::add_payments(const request::Request& request) {
  keep_change = request.keep_change;
  for (const auto& payment : request.payments) {
    outputs.add(payment.script);
    fixed = fixed + payment.amount;
    if (payment.share) {
      claims.push_back(
          {request.destinations.size() + payment.index, *payment.share, bitcoin::max_money, payment.index});
    } else {
      amounts.push_back(payment.amount);
    }
  }
}

Sat amount_of(const request::Request& request, const request::Payment& payment, const Shares& shares) {
  const auto share = shares.find(request.destinations.size() + payment.index);
  return share == shares.end() ? payment.amount : share->second;
}

Error about_change(Error error, const Payees& payees, bitcoin::Perkw feerate) {
  if (payees.keep_change.value == 0 || !lightningd::is_shortage(error.code)) return error;
  error.message =
      str("keep_change: ", error.message, " (", payees.keep_change.value, " sat are to stay as change, and ",
          cost_of_keeping(feerate).value, " sat are the fee of that output)");
  return error;
}

Result<void> check_wishes(const bitcoin::Cost& cost, const request::Request& request) {
  const bool is_users = request.users_psbt != nullptr;
  if ((is_users || !request.payments.empty()) && cost.weight > bitcoin::max_standard_weight) {
    return Error{lightningd::code::invalid_params,
                 str(is_users ? "psbt" : "outputs", ": the transaction would weigh ", cost.weight,
                     ", and bitcoind relays none above ", bitcoin::max_standard_weight),
                 {}};
  }
  if (cost.change >= request.keep_change) return {};
  return Error{lightningd::code::cannot_afford,
               str("keep_change: the change would be ", cost.change.value, " sat, less than ",
                   request.keep_change.value, " sat"),
               {}};
}

lightningd::FundParams fund_params(bitcoin::Perkw feerate, bool anchor_channel, const Payees& payees, Round round) {
  lightningd::FundParams params;
  // Not `all` where change has to stay: lightningd (v26.06.6) ends at an assertion when it needs change below the dust
  // limit for its reserve, as it may with what was left out. All that is not asked for is change then.
  params.all = !payees.claims.empty() && payees.least_change.value == 0;
  params.amount = params.all || payees.claims.empty() ? payees.fixed : bitcoin::channel_dust;
  if (payees.claims.empty() && payees.keep_change.value > 0 && chooses(round)) {
    params.amount = params.amount + payees.keep_change + cost_of_keeping(feerate);
  }
  params.feerate = str(feerate.value, "perkw");
  params.startweight = funding::start_weight(payees.outputs);
  params.opening_anchor_channel = anchor_channel;
  return params;
}

void choose_coins(const lightningd::Client& client, const lightningd::FundParams& params, const Choice& choice,
                  lightningd::Reply<Funded> then) {
  if (choice.has_utxos) {
    client.utxopsbt(params, choice.utxos, false, std::move(then));
  } else {
    client.fundpsbt(params, choice.minconf, std::move(then));
  }
}

// What the shares leave is change. When the only one could have all but is capped, other coins may do: as
// with the builtin, they are chosen again. Otherwise the coins stay the same: they are what is shared out.
Result<Reading> read_answer(const Funded& funded, const Payees& payees, Round round, bool free_choice) {
  auto draft = read_template(funded);
  if (!draft) return draft.error();
  if (payees.claims.empty() && payees.keep_change.value > 0 && chooses(round) && !draft->has_change) {
    return with_change(*draft, payees);
  }
  if (payees.claims.empty()) return ready(std::move(*draft), {}, payees.fixed, payees.outputs);
  if (round == Round::first && free_choice) {
    auto left_out = funding::uneconomical_inputs(*draft);
    if (!left_out.empty()) return narrowed(*draft, payees, std::move(left_out));
  }
  if (payees.least_change < payees.keep_change) return with_change(*draft, payees);
  auto division =
      funding::divide(*draft, payees.fixed, payees.outputs, payees.claims, payees.least_change, payees.keep_change);
  if (!division) return division.error();
  const bool choose_again = round != Round::again && division->rest.value > 0 && could_have_all(payees);
  const Sat paid = payees.fixed + division->sum;
  if (payees.least_change.value > 0) draft->psbt.set_output_amount(0, payees.least_change + division->rest);
  if (!choose_again && !division->needs_change) {
    return ready(std::move(*draft), std::move(division->amounts), paid, payees.outputs);
  }
  Reading reading;
  reading.settled = {payees.outputs, paid, {}, payees.amounts, {}, payees.keep_change};
  for (const auto& [destination, amount] : division->amounts) reading.settled.amounts.push_back(amount);
  reading.shares = std::move(division->amounts);
  reading.choose_again = choose_again;
  reading.trimmed = trimmed_line(payees, *division);
  for (const auto& input : draft->psbt.inputs()) reading.coins.push_back(input.outpoint);
  return reading;
}

bool may_be_dust(const Error& error, const Payees& payees, Round round, bool free_choice) {
  return lightningd::is_shortage(error.code) && round == Round::first && free_choice && !payees.claims.empty();
}

lightningd::FundParams survey_params(bool anchor_channel, const Payees& payees) {
  auto params = fund_params(lowest_feerate, anchor_channel, payees, Round::first);
  params.reserve_blocks = 0;
  return params;
}

std::optional<Reading> read_survey(const Funded& funded, bitcoin::Perkw feerate, const Payees& payees) {
  auto draft = read_template(funded);
  if (!draft) return std::nullopt;
  draft->feerate = feerate;
  auto left_out = funding::uneconomical_inputs(*draft);
  if (left_out.empty()) return std::nullopt;
  return narrowed(*draft, payees, std::move(left_out));
}

Sat most_for(const lightningd::Features& node, const lightningd::Features& peer) {
  const auto large = lightningd::feature::large_channels;
  return node.offers(large) && peer.offers(large) ? bitcoin::max_money : bitcoin::max_small_channel;
}

}  // namespace wallet
