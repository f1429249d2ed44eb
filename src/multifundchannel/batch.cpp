#include "multifundchannel/batch.hpp"

#include <algorithm>
#include <utility>

#include "funding/final_transaction.hpp"
#include "multifundchannel/local_call.hpp"
#include "multifundchannel/report.hpp"
#include "multifundchannel/sending.hpp"
#include "util/log.hpp"

namespace multifundchannel {

using lightningd::Perkw;
using lightningd::Sat;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;
using util::str;

namespace {

/// Completes carry the whole PSBT each: so many at a time as fit into the caller's window, so that
/// the first failure still can keep the others from being sent.
std::size_t completes_at_a_time(std::size_t psbt_size) {
  return std::max<std::size_t>(16, jsonrpc::Caller::window / std::max<std::size_t>(psbt_size, 1));
}

}  // namespace

Batch::Batch(spark::Runtime& runtime, lightningd::Client client, const Settings& settings, spark::Gate& connects,
             funding::OpeningBook& book, const NodeFacts& node, funding::Request request, std::string label,
             BatchWatch& watch, std::shared_ptr<funding::Ledger> ledger, std::shared_ptr<Journal> journal,
             std::uint64_t seed)
    : request_(std::move(request)),
      settings_(settings),
      book_(book),
      node_(node),
      label_(std::move(label)),
      random_(seed),
      ledger_(std::move(ledger)),
      journal_(std::move(journal)),
      scope_(runtime, [this](const Error& error) { std::exchange(done_, nullptr)(error); }),
      context_{scope_, std::move(client), settings_, connects, watch, {}, node.withhold},
      coins_(scope_, context_.client, settings_, ledger_) {
  if (request_.details) details_.emplace(ledger_->id, watch.timeline());
  PeerOpening::Owner& owner = *this;
  for (const auto& destination : request_.destinations) {
    auto record = std::make_shared<funding::OpeningRecord>();
    record->peer = destination.id;
    record->batch = ledger_->id;
    record->label = str(label_, " peer ", destination.index, " (", destination.id.brief(), ")");
    ledger_->openings.push_back(record);
    book.add(record);
    peers_.push_back(std::make_unique<PeerOpening>(context_, owner, destination, std::move(record)));
  }
}

void Batch::run(Done done) {
  done_ = std::move(done);
  util::info(label_, ": ", peers_.size(), " destinations, id ", ledger_->id);
  parse_feerates();
}

void Batch::abort(const Error& error) {
  if (!ledger_->sending) fail(error);
}

void Batch::save(funding::BatchPhase phase, util::Function<void()> then) {
  ledger_->phase = phase;
  journal_->save(scope_, *ledger_, [this, then = std::move(then)](const Result<void>& saved) mutable {
    if (!saved) return fail(saved.error());
    then();
  });
}

Coins::Save Batch::save_again() {
  return [this](lightningd::Reply<void> then) { journal_->save(scope_, *ledger_, std::move(then)); };
}

// Feerates are parsed once, so that every peer and every round gets the same number.
void Batch::parse_feerates() {
  context_.client.parsefeerate(
      request_.feerate.value_or("opening"),
      local_call<Perkw>(scope_, settings_, "parsefeerate", [this](const Result<Perkw>& feerate) {
        if (!feerate) return fail(feerate.error());
        choice_.feerate = *feerate;
        if (request_.feerate) context_.commitment_feerate = str(feerate->value, "perkw");
        parse_commitment_feerate();
      }));
}

void Batch::parse_commitment_feerate() {
  if (!request_.commitment_feerate) return find_connected();
  context_.client.parsefeerate(
      *request_.commitment_feerate,
      local_call<Perkw>(scope_, settings_, "parsefeerate", [this](const Result<Perkw>& feerate) {
        if (!feerate) return fail(feerate.error());
        context_.commitment_feerate = str(feerate->value, "perkw");
        find_connected();
      }));
}

void Batch::find_connected() {
  std::vector<Spark> answered;
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    answered.push_back(scope_.spark([this, i](Completion completion) { ask_connected(i, std::move(completion)); }));
  }
  scope_.wait(std::move(answered), [this] { save(funding::BatchPhase::begun, [this] { open_all(); }); });
}

// Finds out as well about ids that only lightningd can tell to be wrong, before anything happens.
void Batch::ask_connected(std::size_t index, Completion completion) {
  auto then = [this, index, c = std::move(completion)](const Result<bool>& connected) mutable {
    if (!connected) {
      const auto& error = connected.error();
      return fail(Error{error.code, str("destinations[", index, "].", error.message), error.data});
    }
    if (*connected) connected_already_.insert(index);
    std::move(c).done();
  };
  const auto& id = peers_[index]->destination().id;
  context_.client.is_connected(id, local_call<bool>(scope_, settings_, "listpeers", std::move(then)));
}

// Reserving runs beside the connects, and each peer is asked to start as soon as it is connected and
// the money is there. Only `all` has to know the peers first: their features decide how much it may be.
void Batch::open_all() {
  for (const auto& peer : peers_) {
    const bool already = connected_already_.contains(peer->destination().index);
    connects_.push_back(scope_.spark(
        [&peer = *peer, already](Completion completion) { peer.connect(already, std::move(completion)); }));
  }
  funded_ = scope_.spark([this](Completion completion) {
    if (!request_.has_all()) return reserve(std::move(completion));
    scope_.wait(connects_, [this, c = std::move(completion)]() mutable { reserve(std::move(c)); });
  });
  std::vector<Spark> started;
  for (const auto& peer : peers_) started.push_back(open(*peer));
  scope_.wait(std::move(started), [this] { all_started(); });
}

Spark Batch::open(PeerOpening& peer) {
  return scope_.spark([this, &peer](Completion completion) {
    scope_.wait({connects_[peer.destination().index], *funded_}, [this, &peer, c = std::move(completion)]() mutable {
      if (!peer.live()) return std::move(c).done();
      peer.start(amount_of(peer), std::move(c));
    });
  });
}

void Batch::reserve(Completion completion) {
  choice_.minconf = request_.minconf;
  choice_.utxos = request_.utxos;
  choice_.has_utxos = request_.has_utxos;
  // Beside the connects one can only guess: a peer that offers anchors like us. See reserved().
  choice_.anchor_channel =
      request_.has_all() ? anchors_negotiated() : node_.features.offers(lightningd::feature::anchors_zero_fee_htlc_tx);
  proposed_for_ = live();
  coins_.reserve(choice_, payees(), [this, c = std::move(completion)](Result<Proposal> proposal) mutable {
    reserved(std::move(proposal), std::move(c));
  });
}

void Batch::reserved(Result<Proposal> proposal, Completion completion) {
  if (proposal) return funded(std::move(*proposal), std::move(completion));
  // The emergency reserve is only for anchor channels; perhaps no peer wants one.
  if (proposal.error().code != lightningd::code::emergency_reserve || request_.has_all()) {
    return fail(proposal.error());
  }
  scope_.wait(connects_, [this, error = proposal.error(), c = std::move(completion)]() mutable {
    if (anchors_negotiated()) return fail(error);
    choice_.anchor_channel = false;
    proposed_for_ = live();
    coins_.reserve(choice_, payees(), [this, c = std::move(c)](Result<Proposal> second) mutable {
      if (!second) return fail(second.error());
      funded(std::move(*second), std::move(c));
    });
  });
}

void Batch::funded(Proposal proposal, Completion completion) {
  proposal_ = std::move(proposal);
  util::debug(label_, ": reserved");
  for (const auto& peer : peers_) peer->record()->planned = amount_of(*peer);
  save(funding::BatchPhase::opening, [c = std::move(completion)]() mutable { std::move(c).done(); });
}

// --- Every peer that is left has started; nobody knows an outpoint. ---

void Batch::all_started() {
  if (live() != proposed_for_) return propose_anew();
  const Peers again = stale();
  if (!again.empty()) return reopen(again);
  build();
}

/// Those whose opening is too old to be completed, or for another amount than `all` has now.
Batch::Peers Batch::stale() {
  const auto now = scope_.runtime().now();
  Peers stale;
  for (auto* peer : live()) {
    const bool old = now - peer->started_at() > settings_.opening_age && renewed_.insert(peer).second;
    if (old || peer->record()->amount != amount_of(*peer)) stale.push_back(peer);
  }
  return stale;
}

// Peers dropped out: the same inputs for those that are left. What `all` gets may have grown.
void Batch::propose_anew() {
  util::debug(label_, ": proposing the transaction anew, ", live().size(), " peers are left");
  proposed_for_ = live();
  coins_.repropose(payees(), [this](Result<Proposal> proposal) {
    if (!proposal) return fail(proposal.error());
    proposal_ = std::move(*proposal);
    all_started();
  });
}

void Batch::build() {
  std::vector<funding::FundingOutput> outputs;
  for (const auto* peer : proposed_for_) outputs.push_back({peer->record()->amount, peer->terms().scriptpubkey});
  auto transaction = funding::build(proposal_->draft, outputs, random_);
  if (!transaction) return fail(transaction.error());
  transaction_ = std::move(*transaction);
  util::info(label_, ": all ", outputs.size(), " peers have started; transaction ", transaction_->txid.hex(), ", fee ",
             transaction_->fee.value, " sat");
  // While the peers took their time, the first reservation may have lapsed, or been changed by others.
  hold_coins([this] { announce(); });
}

void Batch::announce() {
  ledger_->plan = plan();
  coins_.announce_extension();
  save(funding::BatchPhase::completing, [this] {
    coins_.extend([this](const Result<Coins::Taken>& taken) {
      if (still_ours(taken)) complete_all();
    });
  });
}

void Batch::hold_coins(util::Function<void()> then) {
  coins_.hold(save_again(), [this, then = std::move(then)](const Result<Coins::Taken>& taken) mutable {
    if (still_ours(taken)) then();
  });
}

/// Else the batch has failed.
bool Batch::still_ours(const Result<Coins::Taken>& taken) {
  if (taken && !*taken) return true;
  fail(taken ? Error{-1, str("input ", (*taken)->str(), " was taken by somebody else meanwhile"), {}} : taken.error());
  return false;
}

void Batch::complete_all() {
  completing_ = true;
  stop_completes_ = false;
  completes_ = std::make_unique<spark::Gate>(scope_.runtime(), completes_at_a_time(transaction_->psbt->size()));
  std::vector<Spark> answered;
  for (std::size_t i = 0; i < proposed_for_.size(); ++i) {
    answered.push_back(scope_.spark([this, &peer = *proposed_for_[i], outnum = transaction_->outnums[i]](
                                        Completion completion) { complete(peer, outnum, std::move(completion)); }));
  }
  scope_.wait(std::move(answered), [this] { all_answered(); });
}

void Batch::complete(PeerOpening& peer, std::uint32_t outnum, Completion completion) {
  auto inside = [this, &peer, outnum, c = std::move(completion)](spark::Gate::Pass place) mutable {
    if (stop_completes_) return std::move(c).done();
    const Spark answered = scope_.spark([this, &peer, outnum](Completion step) {
      peer.complete(transaction_->psbt, {transaction_->txid, outnum}, std::move(step));
    });
    scope_.wait({answered}, [place = std::move(place), c = std::move(c)]() mutable { std::move(c).done(); });
  };
  completes_->enter(scope_.guard<spark::Gate::Pass>("complete", std::move(inside)));
}

void Batch::all_answered() {
  completing_ = false;
  if (stop_completes_) return start_over();
  util::info(label_, ": all ", proposed_for_.size(), " channels are secured");
  ledger_->reservation.sent_blocks = settings_.sent_reservation;
  save(funding::BatchPhase::sending, [this] { check_channels([this] { sign(); }); });
}

// One complete failed, so the transaction is dead. The journal says so first: a crash must not find it
// ready to be sent.
void Batch::start_over() {
  save(funding::BatchPhase::completing, [this] { forget_transaction(); });
}

// Whoever was told the transaction must forget it before a new one is told to anybody: else two
// transactions could claim the same inputs.
void Batch::forget_transaction() {
  undo_remains_ = false;
  renewed_.clear();
  std::vector<Spark> undone;
  Peers again;
  for (const auto& peer : peers_) {
    if (!peer->record()->outpoint) continue;
    undone.push_back(undo(*peer));
    if (peer->live()) again.push_back(peer.get());
  }
  util::info(label_, ": ", undone.size(), " peers must forget transaction ", transaction_->txid.hex());
  scope_.wait(std::move(undone), [this, again = std::move(again)] {
    if (undo_remains_) return fail(Error{-1, "a channel of an unsent transaction could not be cancelled", {}});
    hold_coins([this, again] { reopen(again); });
  });
}

void Batch::reopen(const Peers& peers) {
  ledger_->plan.reset();
  for (auto* peer : peers) peer->record()->planned = amount_of(*peer);
  save(funding::BatchPhase::opening, [this, peers] { restart(peers); });
}

void Batch::restart(const Peers& peers) {
  std::vector<Spark> started;
  for (auto* peer : peers) {
    started.push_back(scope_.spark([this, peer](Completion completion) {
      scope_.wait({undo(*peer)},
                  [this, peer, c = std::move(completion)]() mutable { peer->restart(amount_of(*peer), std::move(c)); });
    }));
  }
  scope_.wait(std::move(started), [this] { all_started(); });
}

// --- Every peer that is left has its commitment secured. ---

// A peer that sends an error now makes lightningd drop its withheld channel and free the inputs.
void Batch::check_channels(util::Function<void()> then) {
  using Answer = Result<std::vector<lightningd::PeerChannel>>;
  context_.client.listpeerchannels(
      std::nullopt,
      local_call<std::vector<lightningd::PeerChannel>>(
          scope_, settings_, "listpeerchannels", [this, then = std::move(then)](const Answer& channels) mutable {
            if (!channels) return fail(channels.error());
            const auto ready = ready_channels(*channels, node_.withhold);
            for (auto* peer : live()) {
              if (!is_ready(ready, *peer)) {
                peer->fail("fundchannel_complete",
                           Error{-1, "the channel vanished before the transaction was signed", {}});
              }
            }
            if (scope_.ended()) return;
            if (live() != proposed_for_) return start_over();
            then();
          }));
}

void Batch::sign() {
  context_.watch.sending();
  context_.client.signpsbt(
      transaction_->psbt,
      local_call<util::SharedText>(scope_, settings_, "signpsbt",
                                   [this](const Result<util::SharedText>& psbt) { signed_psbt(psbt); }));
}

// When a peer gives up its channel after our look, lightningd frees the inputs and refuses to sign or send:
// that costs this peer, not the batch.
void Batch::refused(const Error& error) {
  if (lightningd::in_doubt(error)) return fail(error);
  check_channels([this, error] { fail(error); });
}

void Batch::signed_psbt(const Result<util::SharedText>& text) {
  if (!text) return refused(text.error());
  const auto psbt = funding::Psbt::from_base64(**text);
  if (!psbt) return fail(Error{-1, str("signpsbt: ", psbt.error().message), {}});
  if (psbt->txid() != transaction_->txid) return fail(Error{-1, "signpsbt changed the transaction", {}});
  const auto final_tx = funding::final_transaction(*psbt);
  if (!final_tx) return fail(Error{-1, str("signpsbt: ", final_tx.error().message), {}});
  signed_tx_ = util::to_hex(*final_tx);
  util::debug(label_, ": signed");
  check_channels([this, final_psbt = util::share(psbt->base64(2))] { send(final_psbt); });
}

// From here on nothing is cancelled or unreserved, whatever the answer: an error may hide a success.
void Batch::send(const util::SharedText& psbt) {
  ledger_->sending = transaction_->txid;
  util::info(label_, ": sending ", transaction_->txid.hex());
  using Answer = Result<lightningd::Sent>;
  auto guarded = scope_.expect<Answer>(
      "sendpsbt", settings_.send_timeout, [this](const Answer& answer) { sent(answer); },
      [this] {
        not_confirmed(Error{jsonrpc::Caller::lost, "lightningd did not answer", {}});
      });
  send_psbt(context_.client, psbt, settings_, ledger_, std::move(guarded));
}

void Batch::sent(const Result<lightningd::Sent>& answer) {
  if (!answer) return not_confirmed(answer.error());
  finish(success());
}

// An error may hide a success: then the wallet knows the transaction all the same.
void Batch::not_confirmed(const Error& error) {
  auto judge = [this, error](const Result<bool>& known) {
    if (known && *known) return finish(success());
    not_known(error);
  };
  context_.client.is_transaction_known(
      transaction_->txid, scope_.expect<Result<bool>>("listtransactions", settings_.cleanup_timeout, std::move(judge),
                                                      [this, error] { not_known(error); }));
}

// lightningd marks the channels as no longer withheld before it broadcasts. As long as none is marked,
// nothing went out, and nothing will: provided that sendpsbt was answered, and is not still to run.
void Batch::not_known(const Error& error) {
  if (lightningd::in_doubt(error)) return finish(maybe_sent(*ledger_, signed_tx_, error));
  using Answer = Result<std::vector<lightningd::PeerChannel>>;
  auto judge = [this, error](const Answer& channels) {
    if (!node_.withhold || !channels || !all_withheld(*channels, transaction_->txid)) {
      return finish(maybe_sent(*ledger_, signed_tx_, error));
    }
    util::info(label_, ": sendpsbt refused, nothing was sent");
    ledger_->sending.reset();
    refused(error);
  };
  auto expired = [this, error] { finish(maybe_sent(*ledger_, signed_tx_, error)); };
  context_.client.listpeerchannels(
      std::nullopt, scope_.expect<Answer>("listpeerchannels", settings_.cleanup_timeout, judge, std::move(expired)));
}

// --- Failure ---

void Batch::peer_failed(PeerOpening& peer) {
  failed_.push_back(&peer);
  if (completing_) stop_completes_ = true;
  if (live().size() < request_.minchannels) {
    return fail(too_few_left(peer, peers_, failed_, details()));
  }
  // A peer that was told an outpoint is dealt with when all others have answered.
  if (!peer.record()->outpoint) undo(peer);
}

Spark Batch::undo(PeerOpening& peer) {
  undos_.push_back(std::make_unique<PeerUndo>(scope_, context_.client, settings_, book_, peer.record()));
  return scope_.spark([this, &undo = *undos_.back()](Completion completion) {
    undo.run([this, c = std::move(completion)](PeerUndo::Outcome outcome) mutable {
      if (outcome == PeerUndo::Outcome::channel_remains) undo_remains_ = true;
      std::move(c).done();
    });
  });
}

void Batch::fail(Error error) { finish(Result<std::string>(std::move(error))); }

void Batch::finish(Result<std::string> answer) {
  if (scope_.ended()) return;
  scope_.end();
  if (details_ && !answer) answer = details_->added_to(std::move(answer.error()));
  for (const auto& peer : peers_) peer->leave();
  scope_.runtime().post(
      [done = std::exchange(done_, nullptr), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

// --- What the phases need to know ---

funding::FundingPlan Batch::plan() const {
  funding::FundingPlan plan{transaction_->txid, transaction_->bare_psbt, {}};
  plan.outnums.resize(peers_.size());
  for (std::size_t i = 0; i < proposed_for_.size(); ++i) {
    plan.outnums[proposed_for_[i]->destination().index] = transaction_->outnums[i];
  }
  return plan;
}

std::string Batch::success() const {
  return success_json(signed_tx_, *transaction_, proposed_for_, failed_, details());
}

BatchReport Batch::report() const {
  BatchReport report = report_on(*ledger_);
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    auto& destination = report.destinations[i];
    if (peers_[i]->failure()) {
      destination.state = "failed";
      destination.failure = peers_[i]->failure();
    }
  }
  return report;
}

Batch::Peers Batch::live() const {
  Peers peers;
  for (const auto& peer : peers_) {
    if (peer->live()) peers.push_back(peer.get());
  }
  return peers;
}

Payees Batch::payees() const {
  Payees payees;
  for (const auto* peer : live()) {
    ++payees.count;
    payees.fixed = payees.fixed + peer->destination().amount;
    if (!peer->destination().all) continue;
    payees.all = true;
    const bool large = node_.features.offers(lightningd::feature::large_channels) &&
                       peer->features().offers(lightningd::feature::large_channels);
    payees.all_cap = large ? lightningd::max_money : funding::max_small_channel;
  }
  return payees;
}

Sat Batch::amount_of(const PeerOpening& peer) const {
  return peer.destination().all ? proposal_->all_amount : peer.destination().amount;
}

bool Batch::anchors_negotiated() const {
  const auto anchors = lightningd::feature::anchors_zero_fee_htlc_tx;
  const auto peers = live();
  return node_.features.offers(anchors) &&
         std::any_of(peers.begin(), peers.end(), [](const auto* peer) { return peer->features().offers(anchors); });
}

}  // namespace multifundchannel
