#include "batch/funding.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "lightningd/codes.hpp"
#include "lightningd/features.hpp"
#include "util/str.hpp"

namespace batch {

using bitcoin::Sat;
using lightningd::Reply;
using util::Error;
using util::Result;
using util::str;

Funding::Funding(peers::BatchContext& context, roster::Roster& roster, Parts parts)
    : context_(context),
      roster_(roster),
      request_(parts.request),
      details_(parts.details),
      begun_(parts.begun),
      asking_(context.calls, context.book, parts.holding),
      coin_look_(context.calls, request_) {
  if (request_.users_psbt) given_.emplace(context.calls, *request_.users_psbt);
}

void Funding::reserve(bitcoin::Perkw feerate, Reply<void> then) {
  choice_.feerate = feerate;
  if (given_) return use_given(std::move(then));
  choice_.minconf = request_.minconf;
  choice_.utxos = request_.utxos;
  choice_.has_utxos = request_.has_utxos;
  if (details_ && coin_look_.minconf_is_ignored()) {
    coin_look_.find_younger([this](std::vector<std::string> warnings) {
      for (auto& warning : warnings) details_->warn(std::move(warning));
    });
  }
  // Beside the connects one can only guess: a peer that offers anchors like us. See reserved().
  choice_.anchor_channel = request_.has_shares()
                               ? anchors_negotiated()
                               : context_.features.offers(lightningd::feature::anchors_zero_fee_htlc_tx);
  peers_ = roster_.live();
  asking_.propose(choice_, payees(), [this, then = std::move(then)](Result<wallet::Proposal> proposal) mutable {
    reserved(std::move(proposal), std::move(then));
  });
}

// Shares wait for all connects, so that those who could be connected are known.
void Funding::use_given(Reply<void> then) {
  given_->check(begun_, [this, then = std::move(then)](const Result<void>& checked) mutable {
    if (!checked) return then(checked.error());
    propose_given(std::move(then));
  });
}

void Funding::propose_given(Reply<void> then) {
  peers_ = roster_.live();
  auto proposal = given_->propose(choice_.feerate, payees());
  if (!proposal) return then(std::move(proposal.error()));
  funded(std::move(*proposal), std::move(then));
}

void Funding::reserved(Result<wallet::Proposal> proposal, Reply<void> then) {
  if (proposal) return funded(std::move(*proposal), std::move(then));
  // The emergency reserve is only for anchor channels; perhaps no peer wants one.
  if (proposal.error().code != lightningd::code::emergency_reserve || request_.has_shares()) {
    return refused(proposal.error(), std::move(then));
  }
  roster_.when_connected([this, error = proposal.error(), then = std::move(then)]() mutable {
    if (anchors_negotiated()) return refused(error, std::move(then));
    choice_.anchor_channel = false;
    peers_ = roster_.live();
    asking_.propose(choice_, payees(), [this, then = std::move(then)](Result<wallet::Proposal> second) mutable {
      if (!second) return refused(second.error(), std::move(then));
      funded(std::move(*second), std::move(then));
    });
  });
}

// Before the batch fails, for the caller to know why coins do not count.
void Funding::refused(const Error& error, Reply<void> then) {
  coin_look_.explain(error, choice_.feerate,
                     [then = std::move(then)](Error explained) mutable { then(std::move(explained)); });
}

void Funding::funded(wallet::Proposal proposal, Reply<void> then) {
  if (auto fits = check_cost(proposal); !fits) return then(std::move(fits));
  if (details_) details_->left_out(proposal.left_out);
  proposal_ = std::move(proposal);
  then({});
}

void Funding::propose_again(Reply<void> then) {
  if (given_) return propose_given(std::move(then));
  peers_ = roster_.live();
  asking_.repropose(payees(), [this, then = std::move(then)](Result<wallet::Proposal> proposal) mutable {
    if (!proposal) return then(std::move(proposal.error()));
    if (auto fits = check_cost(*proposal); !fits) return then(std::move(fits));
    proposal_ = std::move(*proposal);
    then({});
  });
}

wallet::Payees Funding::payees() const {
  wallet::Payees payees;
  payees.outputs = funding::Outputs(roster_.live().size());
  for (const auto* peer : roster_.live()) {
    payees.fixed = payees.fixed + peer->destination().amount;
    if (const auto& share = peer->destination().share) {
      payees.claims.push_back(
          {peer->destination().index, *share, wallet::most_for(context_.features, peer->features())});
    } else {
      payees.amounts.push_back(peer->destination().amount);
    }
  }
  payees.add_payments(request_);
  return payees;
}

Sat Funding::amount_of(const peers::PeerOpening& peer) const {
  const auto& destination = peer.destination();
  if (!destination.share) return destination.amount;
  const auto share = proposal_->shares.find(destination.index);
  return share == proposal_->shares.end() ? Sat{} : share->second;
}

roster::Peers Funding::stale() {
  roster::Peers stale;
  for (auto* peer : roster_.live()) {
    if (roster_.is_too_old(*peer) || peer->record()->amount != amount_of(*peer)) stale.push_back(peer);
  }
  return stale;
}

/// Of the proposal for those that are in `peers_`.
Result<void> Funding::check_cost(const wallet::Proposal& proposal) const {
  const auto cost = funding::cost_of(proposal.draft, proposal.paid, payees().outputs);
  if (!cost) return cost.error();
  if (auto kept = wallet::check_wishes(*cost, request_); !kept) return kept;
  if (auto fits = request_.cap.check(*cost); !fits) return fits;
  return context_.bounds.check(*cost);
}

bool Funding::anchors_negotiated() const {
  const auto anchors = lightningd::feature::anchors_zero_fee_htlc_tx;
  const auto peers = roster_.live();
  return context_.features.offers(anchors) &&
         std::any_of(peers.begin(), peers.end(), [](const auto* peer) { return peer->features().offers(anchors); });
}

Result<void> Funding::build(std::mt19937_64& random) {
  std::vector<funding::FundingOutput> outputs;
  for (const auto* peer : peers_) outputs.push_back({peer->record()->amount, peer->terms().scriptpubkey});
  for (const auto& payment : payments()) {
    const bool funds = std::any_of(outputs.begin(), outputs.end(),
                                   [&payment](const auto& output) { return output.script == payment.script; });
    if (funds) return Error{-1, str("outputs: ", payment.address, " is where the money of a channel goes"), {}};
    outputs.push_back({payment.amount, payment.script});
  }
  auto transaction = funding::build(proposal_->draft, outputs, random);
  if (!transaction) return transaction.error();
  transaction_ = std::move(*transaction);
  return {};
}

std::vector<ledger::PaymentRecord> Funding::payments() const {
  std::vector<ledger::PaymentRecord> payments;
  for (const auto& payment : request_.payments) {
    const auto amount = proposal_ ? wallet::amount_of(request_, payment, proposal_->shares) : payment.amount;
    payments.push_back({payment.address, payment.script, amount, payment.label});
  }
  return payments;
}

ledger::FundingPlan Funding::plan() const {
  std::vector<std::optional<std::uint32_t>> outnums(roster_.all().size());
  for (std::size_t i = 0; i < peers_.size(); ++i) outnums[peers_[i]->destination().index] = transaction_->outnums[i];
  auto paid = payments();
  for (std::size_t i = 0; i < paid.size(); ++i) paid[i].outnum = transaction_->outnums[peers_.size() + i];
  const auto& draft = proposal_->draft;
  const auto& cost = transaction_->cost;
  return {.txid = transaction_->txid,
          .psbt = transaction_->bare_psbt,
          .outnums = std::move(outnums),
          .change = draft.has_change ? std::optional(draft.psbt.outputs()[0].script) : std::nullopt,
          .is_change_ours = !given_,  // it is lightningd's own proposal
          .withheld = context_.withhold,
          .payments = std::move(paid),
          .is_users = given_.has_value(),
          .users_fee = given_ ? cost.fee : bitcoin::Sat{},
          .users_weight = given_ ? static_cast<std::uint32_t>(cost.weight) : 0};
}

}  // namespace batch
