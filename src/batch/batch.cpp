#include "batch/batch.hpp"

#include <algorithm>
#include <utility>

#include "checks/cautions.hpp"
#include "sending/result.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace batch {

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

Batch::Batch(const peers::Process& process, lightningd::Client client, Order order, journal::Kept kept)
    : request_(std::move(order.request)),
      book_(process.book),
      node_(process.node),
      label_(ledger::label_of(kept.ledger->id)),
      random_(order.seed),
      ledger_(std::move(kept.ledger)),
      journal_(std::move(kept.journal)),
      scope_(process.runtime, [this](const Error& error) { std::exchange(done_, nullptr)(error); }),
      context_{.calls = {scope_, std::move(client), process.settings},
               .connects = process.connects,
               .watch = order.watch,
               .book = book_,
               .withhold = node_.withhold,
               .features = node_.features,
               .pending = node_.connects},
      preparation_(context_.calls, request_),
      holding_(context_.calls, book_, ledger_,
               [this](lightningd::Reply<void> then) { journal_->save(scope_, *ledger_, std::move(then)); }),
      asking_(context_.calls, book_, holding_),
      coin_look_(context_.calls, request_),
      policies_(scope_, context_.calls.client, ledger_, label_) {
  if (request_.details) details_.emplace(ledger_->id, order.watch.timeline());
  context_.log = std::make_unique<peers::LogLook>(context_.calls);
  peers::PeerOpening::Owner& owner = *this;
  for (const auto& destination : request_.destinations) {
    auto record = std::make_shared<ledger::OpeningRecord>();
    record->peer = destination.id;
    record->batch = ledger_->id;
    record->planned = destination.amount;
    record->label = ledger::label_of(*record, destination.index);
    if (destination.policy) record->policy = request::PolicyRecord{*destination.policy};
    ledger_->openings.push_back(record);
    book_.add(record);
    peers_.push_back(std::make_unique<peers::PeerOpening>(context_, owner, destination, std::move(record)));
  }
}

void Batch::run(Done done) {
  done_ = std::move(done);
  util::info(label_, ": ", peers_.size(), " destinations, id ", ledger_->id);
  preparation_.run(node_.features, [this](const Result<checks::Prepared>& prepared) {
    if (!prepared) return fail(prepared.error());
    choice_.feerate = prepared->feerate;
    context_.commitment_feerate = prepared->commitment_feerate;
    context_.bounds = prepared->bounds;
    context_.commitment = prepared->commitment;
    warn(checks::caution_of_feerate(request_, prepared->feerate));
    connected_already_ = prepared->connected_already;
    save(ledger::BatchPhase::begun, [this] { open_all(); });
  });
}

void Batch::abort(const Error& error) {
  if (!ledger_->sending) fail(error);
}

void Batch::save(ledger::BatchPhase phase, util::Function<void()> then) {
  ledger_->phase = phase;
  journal_->save(scope_, *ledger_, [this, then = std::move(then)](const Result<void>& saved) mutable {
    if (!saved) {
      ledger_->reservation.sent_blocks = 0;  // sendpsbt is not asked then: what is reserved for so long is another's
      return fail(saved.error());
    }
    then();
  });
}

// Reserving runs beside the connects, and each peer is asked to start as soon as it is connected and
// the money is there. Only shares have to know the peers first: their features decide how much they may be.
void Batch::open_all() {
  for (const auto& peer : peers_) {
    const bool already = connected_already_.contains(peer->destination().index);
    connects_.push_back(scope_.spark(
        [&peer = *peer, already](Completion completion) { peer.connect(already, std::move(completion)); }));
  }
  funded_ = scope_.spark([this](Completion completion) {
    if (!request_.has_shares()) return reserve(std::move(completion));
    scope_.wait(connects_, [this, c = std::move(completion)]() mutable { reserve(std::move(c)); });
  });
  std::vector<Spark> started;
  for (const auto& peer : peers_) started.push_back(open(*peer));
  scope_.wait(std::move(started), [this] { stop_waiting([this] { all_started(); }); });
}

Spark Batch::open(peers::PeerOpening& peer) {
  return scope_.spark([this, &peer](Completion completion) {
    scope_.wait({connects_[peer.destination().index], *funded_}, [this, &peer, c = std::move(completion)]() mutable {
      if (!peer.live()) return std::move(c).done();
      peer.start(amount_of(peer), std::move(c));
    });
  });
}

// --- Every peer that is left has started; nobody knows an outpoint. ---

void Batch::all_started() {
  if (live() != proposed_for_) return propose_again();
  const Peers again = stale();
  if (!again.empty()) return reopen(again);
  build();
}

/// Those whose opening is too old to be completed, or for another amount than its share is now.
Batch::Peers Batch::stale() {
  const auto now = scope_.runtime().now();
  Peers stale;
  for (auto* peer : live()) {
    const bool old = now - peer->started_at() > context_.calls.settings.opening_age && renewed_.insert(peer).second;
    if (old || peer->record()->amount != amount_of(*peer)) stale.push_back(peer);
  }
  return stale;
}

void Batch::build() {
  std::vector<funding::FundingOutput> outputs;
  for (const auto* peer : proposed_for_) outputs.push_back({peer->record()->amount, peer->terms().scriptpubkey});
  auto transaction = funding::build(proposal_->draft, outputs, random_);
  if (!transaction) return fail(transaction.error());
  transaction_ = std::move(*transaction);
  util::info(label_, ": all ", outputs.size(), " peers have started; transaction ", transaction_->txid.hex(), ", fee ",
             transaction_->cost.fee.value, " sat");
  // While the peers took their time, the first reservation may have lapsed, or been changed by others.
  hold_coins([this] { announce(); });
}

void Batch::announce() {
  ledger_->plan = plan();
  holding_.announce_extension();
  save(ledger::BatchPhase::completing, [this] {
    holding_.extend([this](const Result<wallet::Holding::Taken>& taken) {
      if (still_ours(taken)) complete_all();
    });
  });
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
  waits_for_peers_ = true;
  scope_.wait(std::move(answered), [this] { stop_waiting([this] { all_answered(); }); });
}

void Batch::complete(peers::PeerOpening& peer, std::uint32_t outnum, Completion completion) {
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
  ledger_->reservation.sent_blocks = context_.calls.settings.blocks_when_sent(ledger_->reservation.blocks);
  save(ledger::BatchPhase::sending, [this] { broadcast(); });
}

// One complete failed, so the transaction is dead. The journal says so first: a crash must not find it
// ready to be sent.
void Batch::start_over() {
  save(ledger::BatchPhase::completing, [this] { forget_transaction(); });
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
  save(ledger::BatchPhase::opening, [this, peers] { restart(peers); });
}

void Batch::restart(const Peers& peers) {
  std::vector<Spark> started;
  for (auto* peer : peers) {
    started.push_back(scope_.spark([this, peer](Completion completion) {
      scope_.wait({undo(*peer)},
                  [this, peer, c = std::move(completion)]() mutable { peer->restart(amount_of(*peer), std::move(c)); });
    }));
  }
  waits_for_peers_ = true;
  scope_.wait(std::move(started), [this] { stop_waiting([this] { all_started(); }); });
}

// --- Every peer that is left has its commitment secured. ---

void Batch::broadcast() {
  sending::Broadcast::Owner& owner = *this;
  broadcast_ = std::make_unique<sending::Broadcast>(
      context_, owner, sending::Broadcast::Job{ledger_, *transaction_, request_.cap, proposed_for_});
  broadcast_->run();
}

void Batch::channels_vanished() { start_over(); }

void Batch::sent(const std::string& tx) {
  const auto anchors = std::count_if(proposed_for_.begin(), proposed_for_.end(), [this](const auto* peer) {
    return funding::kind_of(peer->destination(), node_.features, peer->features()) ==
           funding::Commitment::Kind::anchors;
  });
  warn(checks::caution_of_commitment_feerate(request_, static_cast<std::size_t>(anchors)));
  policies_.apply(context_.calls.settings.policy_timeout,
                  [this, tx] { finish(sending::success_json(tx, *transaction_, proposed_for_, failed_, details())); });
}

void Batch::not_sent(const Error& error) { fail(error); }

// --- Failure ---

void Batch::peer_failed(peers::PeerOpening& peer) {
  failed_.push_back(&peer);
  if (completing_) stop_completes_ = true;
  if (live().size() < request_.minchannels) {
    return fail(sending::too_few_left(peer, peers_, failed_, details()));
  }
  // A peer that was told an outpoint is dealt with when all others have answered.
  if (!peer.record()->outpoint) undo(peer);
}

Spark Batch::undo(peers::PeerOpening& peer) {
  undos_.push_back(std::make_unique<peers::PeerUndo>(context_.calls, book_, holding_, peer.record()));
  return scope_.spark([this, &undo = *undos_.back()](Completion completion) {
    undo.run([this, c = std::move(completion)](peers::PeerUndo::Outcome outcome) mutable {
      if (outcome == peers::PeerUndo::Outcome::channel_remains) undo_remains_ = true;
      std::move(c).done();
    });
  });
}

void Batch::warn(const std::optional<std::string>& caution) {
  if (!caution) return;
  util::info(label_, ": ", *caution);
  if (details_) details_->warn(*caution);
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

ledger::FundingPlan Batch::plan() const {
  ledger::FundingPlan plan{transaction_->txid, transaction_->bare_psbt, {}, {}};
  plan.outnums.resize(peers_.size());
  for (std::size_t i = 0; i < proposed_for_.size(); ++i) {
    plan.outnums[proposed_for_[i]->destination().index] = transaction_->outnums[i];
  }
  plan.withheld = context_.withhold;
  const auto& draft = proposal_->draft;
  if (draft.has_change) plan.change = draft.psbt.outputs()[0].script;
  plan.is_change_ours = true;  // it is lightningd's own proposal
  return plan;
}

report::BatchReport Batch::report() const {
  report::BatchReport report = report::report_on(*ledger_);
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    auto& destination = report.destinations[i];
    if (peers_[i]->failure()) {
      destination.state = report::DestinationState::failed;
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

}  // namespace batch
