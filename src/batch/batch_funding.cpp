// The wallet's side of a batch: what it is asked for, and what each peer is to get.

#include <algorithm>
#include <utility>

#include "batch/batch.hpp"
#include "lightningd/codes.hpp"
#include "lightningd/features.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace batch {

using bitcoin::Sat;
using spark::Completion;
using util::Error;
using util::Result;
using util::str;
using wallet::Holding;

void Batch::reserve(Completion completion) {
  choice_.minconf = request_.minconf;
  choice_.utxos = request_.utxos;
  choice_.has_utxos = request_.has_utxos;
  if (details_ && coin_look_.minconf_is_ignored()) {
    coin_look_.find_younger([this](std::vector<std::string> warnings) {
      for (auto& warning : warnings) details_->warn(std::move(warning));
    });
  }
  // Beside the connects one can only guess: a peer that offers anchors like us. See reserved().
  choice_.anchor_channel = request_.has_shares() ? anchors_negotiated()
                                                 : node_.features.offers(lightningd::feature::anchors_zero_fee_htlc_tx);
  proposed_for_ = live();
  asking_.reserve(choice_, payees(), [this, c = std::move(completion)](Result<wallet::Proposal> proposal) mutable {
    reserved(std::move(proposal), std::move(c));
  });
}

void Batch::reserved(Result<wallet::Proposal> proposal, Completion completion) {
  if (proposal) return funded(std::move(*proposal), std::move(completion));
  // The emergency reserve is only for anchor channels; perhaps no peer wants one.
  if (proposal.error().code != lightningd::code::emergency_reserve || request_.has_shares()) {
    return refused(proposal.error(), std::move(completion));
  }
  scope_.wait(connects_, [this, error = proposal.error(), c = std::move(completion)]() mutable {
    if (anchors_negotiated()) return fail(error);
    choice_.anchor_channel = false;
    proposed_for_ = live();
    asking_.reserve(choice_, payees(), [this, c = std::move(c)](Result<wallet::Proposal> second) mutable {
      if (!second) return refused(second.error(), std::move(c));
      funded(std::move(*second), std::move(c));
    });
  });
}

// Before it fails, for the caller to know why coins do not count.
void Batch::refused(const Error& error, Completion completion) {
  coin_look_.explain(error, choice_.feerate,
                     [this, c = std::move(completion)](Error explained) { fail(std::move(explained)); });
}

void Batch::funded(wallet::Proposal proposal, Completion completion) {
  if (const auto fits = check_cost(proposal); !fits) return fail(fits.error());
  if (details_) details_->left_out(proposal.left_out);
  proposal_ = std::move(proposal);
  util::debug(label_, ": reserved");
  for (const auto& peer : peers_) peer->record()->planned = amount_of(*peer);
  save(ledger::BatchPhase::opening, [this, c = std::move(completion)]() mutable {
    waits_for_peers_ = true;
    std::move(c).done();
  });
}

// --- Holding the inputs ---

void Batch::hold_coins(util::Function<void()> then) {
  auto held = [this, then = std::move(then)](const Result<Holding::Taken>& taken) mutable {
    if (still_ours(taken)) then();
  };
  holding_.hold(Holding::Need::all, std::move(held));
}

/// Else the batch has failed.
bool Batch::still_ours(const Result<Holding::Taken>& taken) {
  if (taken && !*taken) return true;
  fail(taken ? Error{-1, str("input ", (*taken)->str(), " was taken by another program meanwhile"), {}} : taken.error());
  return false;
}

// The first reservation is a short one, and peers may take longer than it lasts.
void Batch::block_added(std::uint32_t height) {
  const auto& reservation = ledger_->reservation;
  if (!waits_for_peers_ || extending_ || reservation.in_flight || scope_.ended()) return;
  if (!reservation.ends_by(height + context_.calls.settings.early_extension)) return;
  util::info(label_, ": extending the reservation of its inputs at block ", height);
  extending_ = true;
  holding_.keep(Holding::Need::all, [this](const Result<Holding::Taken>& taken) {
    extending_ = false;
    // What lightningd has refused may work at the next block, or when the inputs are held for the transaction.
    const bool later = !taken && !lightningd::in_doubt(taken.error());
    if (later) util::info(label_, ": not extended: ", taken.error().message);
    if (!later && !still_ours(taken)) return;
    if (auto then = std::exchange(when_extended_, nullptr)) then();
  });
}

void Batch::stop_waiting(util::Function<void()> then) {
  waits_for_peers_ = false;
  if (!extending_) return then();
  when_extended_ = std::move(then);
}

// Peers dropped out: the same inputs for those that are left. What the shares get may have grown.
void Batch::propose_again() {
  util::debug(label_, ": proposing the transaction again, ", live().size(), " peers are left");
  proposed_for_ = live();
  asking_.repropose(payees(), [this](Result<wallet::Proposal> proposal) {
    if (!proposal) return fail(proposal.error());
    if (const auto fits = check_cost(*proposal); !fits) return fail(fits.error());
    proposal_ = std::move(*proposal);
    all_started();
  });
}

wallet::Payees Batch::payees() const {
  wallet::Payees payees;
  for (const auto* peer : live()) {
    ++payees.count;
    payees.fixed = payees.fixed + peer->destination().amount;
    if (const auto& share = peer->destination().share) {
      payees.claims.push_back({peer->destination().index, *share, wallet::most_for(node_.features, peer->features())});
    } else {
      payees.amounts.push_back(peer->destination().amount);
    }
  }
  return payees;
}

Sat Batch::amount_of(const peers::PeerOpening& peer) const {
  const auto& destination = peer.destination();
  if (!destination.share) return destination.amount;
  const auto share = proposal_->shares.find(destination.index);
  return share == proposal_->shares.end() ? Sat{} : share->second;
}

/// Of the proposal for those that are in `proposed_for_`.
Result<void> Batch::check_cost(const wallet::Proposal& proposal) const {
  const auto cost = funding::cost_of(proposal.draft, proposal.paid, proposed_for_.size());
  if (!cost) return cost.error();
  if (auto fits = request_.cap.check(*cost); !fits) return fits;
  return context_.bounds.check(*cost);
}

bool Batch::anchors_negotiated() const {
  const auto anchors = lightningd::feature::anchors_zero_fee_htlc_tx;
  const auto peers = live();
  return node_.features.offers(anchors) &&
         std::any_of(peers.begin(), peers.end(), [](const auto* peer) { return peer->features().offers(anchors); });
}

}  // namespace batch
