#include "given/given_coins.hpp"

#include <algorithm>
#include <utility>

#include "bitcoin/fees.hpp"
#include "chain/chain_look.hpp"
#include "given/finality.hpp"
#include "lightningd/codes.hpp"
#include "psbt/spending_weight.hpp"
#include "util/str.hpp"

namespace given {

using bitcoin::Perkw;
using bitcoin::Sat;
using bitcoin::TxOutput;
using lightningd::Funded;
using lightningd::Reply;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;
using util::str;
using wallet::Payees;
using wallet::Proposal;
using wallet::Round;
using wallet::Shares;

GivenCoins::GivenCoins(context::Calls calls, const psbt::Psbt& psbt) : calls_(std::move(calls)), psbt_(psbt) {
  for (std::size_t i = 0; i < psbt_.inputs().size(); ++i) {
    sum_ = sum_ + psbt_.input_amount(i).value_or(Sat{});
    weight_ += psbt::spending_weight(psbt_, i);
  }
  // Amount, and the script with its length.
  if (!psbt_.outputs().empty()) change_weight_ = bitcoin::weight_of_output(psbt_.outputs()[0].script);
}

void GivenCoins::check(std::int64_t now, Reply<void> then) {
  std::vector<Spark> looks;
  for (std::size_t i = 0; i < psbt_.inputs().size(); ++i) {
    looks.push_back(calls_.scope.spark([this, i](Completion completion) { look(i, std::move(completion)); }));
  }
  looks.push_back(calls_.scope.spark([this](Completion completion) { look_for_ours(std::move(completion)); }));
  looks.push_back(
      calls_.scope.spark([this, now](Completion completion) { look_at_height(now, std::move(completion)); }));
  calls_.scope.wait(std::move(looks), [this, then = std::move(then)]() mutable {
    then(refusal_ ? Result<void>(*refusal_) : Result<void>());
  });
}

void GivenCoins::look_for_ours(Completion completion) {
  auto listed = [this, c = std::move(completion)](const Result<Outputs>& outputs) mutable {
    if (!outputs) not_told("listfunds", outputs.error());
    for (std::size_t i = 0; outputs && i < psbt_.inputs().size(); ++i) {
      const bool ours = std::any_of(outputs->begin(), outputs->end(), [this, i](const auto& output) {
        return output.outpoint == psbt_.inputs()[i].outpoint;
      });
      if (ours)
        refuse(i, "is a coin of this node's own wallet: leave it to multifundchannel, with utxos and send=false");
    }
    std::move(c).done();
  };
  calls_.client.listfunds(calls_.local<Outputs>("listfunds", std::move(listed)));
}

void GivenCoins::look_at_height(std::int64_t now, Completion completion) {
  using lightningd::NodeInfo;
  auto told = [this, now, c = std::move(completion)](const Result<NodeInfo>& node) mutable {
    if (!node) {
      not_told("getinfo", node.error());
    } else if (const auto why = why_not_soon(psbt_, node->blockheight, now); why && !refusal_) {
      refused_ = psbt_.inputs().size();  // what is wrong with an input says more
      refusal_ = Error{lightningd::code::invalid_params, "psbt: " + *why, {}};
    }
    std::move(c).done();
  };
  calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", std::move(told)));
}

void GivenCoins::not_told(const char* method, const Error& error) {
  if (refusal_) return;
  refused_ = psbt_.inputs().size();
  refusal_ = Error{error.code, str("psbt: its coins cannot be checked: ", method, ": ", error.message), {}};
}

void GivenCoins::look(std::size_t index, Completion completion) {
  auto found = [this, index, c = std::move(completion)](const Result<std::optional<TxOutput>>& output) mutable {
    const auto amount = psbt_.input_amount(index).value_or(Sat{});
    if (!output) {
      refuse(index, str("cannot be looked up: ", output.error().message));
    } else if (!*output) {
      refuse(index, "is spent, or bitcoind does not know it");
    } else if ((*output)->amount != amount) {
      refuse(index, str("has ", (*output)->amount.value, " sat, and not ", amount.value, " sat"));
    } else if ((*output)->script != psbt_.input_script(index)) {
      refuse(index, "has another script than the PSBT says");
    }
    std::move(c).done();
  };
  chain::ChainLook(calls_.client)
      .unspent(psbt_.inputs()[index].outpoint, calls_.local<std::optional<TxOutput>>("getutxout", std::move(found)));
}

/// The least that the change's script may get.
Sat GivenCoins::dust() const {
  return psbt_.outputs().empty() ? bitcoin::change_dust
                                 : std::max(bitcoin::change_dust, bitcoin::dust_limit(psbt_.outputs()[0].script));
}

void GivenCoins::refuse(std::size_t index, const std::string& what) {
  if (refusal_ && refused_ <= index) return;
  refused_ = index;
  refusal_ = Error{lightningd::code::invalid_params,
                   str("psbt: input ", index, " (", psbt_.inputs()[index].outpoint.str(), ") ", what),
                   {}};
}

// The questions are those that the wallet is asked, and so are the answers read.
Result<Proposal> GivenCoins::propose(Perkw feerate, const Payees& payees) const {
  Payees settled = payees;
  Shares shares;
  for (auto round = Round::first;; round = Round::again) {
    const auto funded = fund(wallet::fund_params(feerate, false, settled, round), feerate);
    if (!funded) return funded.error();
    auto reading = wallet::read_answer(*funded, settled, round, false);
    if (!reading) return reading.error();
    if (!reading->proposal) {
      settled = std::move(reading->settled);
      shares = std::move(reading->shares);
      continue;
    }
    auto proposal = std::move(*reading->proposal);
    if (round != Round::first) proposal.shares = std::move(shares);
    proposal.draft.is_users = true;
    proposal.draft.dust = dust();
    if (const auto fits = check_rest(proposal); !fits) return fits.error();
    return proposal;
  }
}

// As utxopsbt answers, whose change is what is left.
Result<Funded> GivenCoins::fund(const lightningd::FundParams& params, Perkw feerate) const {
  psbt::Psbt psbt = psbt_;
  Funded funded;
  funded.feerate = feerate;
  funded.estimated_final_weight = params.startweight + weight_;
  const Sat fee = bitcoin::whole_vbytes_fee(funded.estimated_final_weight, feerate);
  if (sum_ < params.amount + fee) {
    return Error{lightningd::code::cannot_afford,
                 str("psbt: its coins have ", sum_.value, " sat together; ", params.amount.value,
                     " sat for the channels and a fee of ", fee.value, " sat are more"),
                 {}};
  }
  Sat rest = sum_ - params.amount - fee;
  const Sat cost = bitcoin::whole_vbytes_fee(funded.estimated_final_weight + change_weight_, feerate) - fee;
  if (!params.all && change_weight_ > 0 && rest >= cost + dust()) {
    psbt.set_output_amount(0, rest - cost);
    funded.change_outnum = 0;
    funded.estimated_final_weight += change_weight_;
    rest = Sat{};
  } else if (change_weight_ > 0) {
    psbt.remove_output(0);
  }
  funded.excess = bitcoin::to_msat(rest);
  funded.psbt = psbt.base64(psbt.version());
  return funded;
}

// What is too little for a change output goes into the fee, and nothing more. As fund() says what is too little: where
// the PSBT has none, a P2TR output might have been given.
Result<void> GivenCoins::check_rest(const Proposal& proposal) const {
  if (proposal.draft.has_change) return {};
  const auto& draft = proposal.draft;
  const Sat fee = bitcoin::whole_vbytes_fee(draft.weight, draft.feerate);
  const Sat left = sum_ > proposal.paid + fee ? sum_ - proposal.paid - fee : Sat{};
  const auto change = change_weight_ > 0 ? change_weight_ : bitcoin::output_weight;
  const Sat cost = bitcoin::whole_vbytes_fee(change, draft.feerate);
  if (left <= cost + dust()) return {};
  return Error{lightningd::code::invalid_params,
               str("psbt: of its coins ", left.value, " sat would be left after ", proposal.paid.value,
                   " sat for the channels and a fee of about ", fee.value,
                   " sat: give it an output for the change, whose amount is set then, or `change_address`"),
               {}};
}

}  // namespace given
