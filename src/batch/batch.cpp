#include "batch/batch.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "batch/prepared_result.hpp"
#include "checks/cautions.hpp"
#include "sending/result.hpp"
#include "util/log.hpp"

namespace batch {

using ledger::BatchPhase;
using roster::Peers;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;

Batch::Batch(const peers::Process& process, lightningd::Client client, Order order, journal::Kept kept)
    : request_(std::move(order.request)),
      node_(process.node),
      label_(ledger::label_of(kept.ledger->id)),
      random_(order.seed),
      keep_(std::move(order.keep)),
      ledger_(std::move(kept.ledger)),
      journal_(std::move(kept.journal)),
      scope_(process.runtime, [this](const Error& error) { std::exchange(done_, nullptr)(error); }),
      context_{.calls = {scope_, std::move(client), process.settings},
               .connects = process.connects,
               .watch = order.watch,
               .book = process.book,
               .withhold = node_.withhold,
               .tells_pongs_apart = node_.tells_pongs_apart,
               .features = node_.features,
               .pending = node_.connects},
      preparation_(context_.calls, request_),
      holding_(context_.calls, context_.book, ledger_,
               [this](const auto& now, auto then) { journal_->save(scope_, now, std::move(then)); }),
      inputs_(context_.calls, holding_, [this](const Error& error) { fail(error); }),
      roster_(context_, *this, holding_, request_.destinations),
      pings_(context_, roster_),
      funding_(context_, roster_, {request_, holding_, details_, ledger_->begun}),
      completing_(scope_, pings_),
      policies_(scope_, context_.calls.client, ledger_, label_) {
  if (request_.details) details_.emplace(ledger_->id, order.watch.timeline());
  context_.log = std::make_unique<peers::LogLook>(context_.calls);
}

void Batch::run(Done done) {
  done_ = std::move(done);
  util::info(label_, ": ", request_.destinations.size(), " destinations, id ", ledger_->id);
  advance(Step::prepare);
}

// --- The order of a batch, whole. Each step names those that may follow it. ---

void Batch::advance(Step step) {
  switch (step) {
    case Step::prepare:
      return prepare();  // open
    case Step::open:
      return open_all();  // fit
    case Step::fit:
      if (!funding_.is_for_those_left()) return propose_again();                        // fit
      if (const Peers again = funding_.stale(); !again.empty()) return restart(again);  // fit
      return advance(Step::ping);
    case Step::ping:
      return ping();  // fit, or build
    case Step::build:
      return build();  // announce
    case Step::announce:
      return announce();  // complete
    case Step::complete:
      if (!funding_.is_for_those_left()) return advance(Step::take_back);
      return complete_all();  // judge
    case Step::take_back:
      ledger_->plan_dropped();
      return save(BatchPhase::opening, next(Step::fit));
    case Step::judge:
      if (completing_.failed()) return advance(Step::start_over);
      return secured();  // send, or the end
    case Step::send:
      return broadcast();  // start_over, or the end
    case Step::start_over:
      // The journal says so first: a crash must not find the transaction ready to be sent.
      return save(BatchPhase::completing, next(Step::forget));
    case Step::forget:
      return forget_transaction();  // fit
  }
}

util::Function<void()> Batch::next(Step step) {
  return [this, step] { advance(step); };
}

util::Function<void()> Batch::when_extended(Step step) {
  return [this, step] { inputs_.stop_waiting(next(step)); };
}

void Batch::save(BatchPhase phase, util::Function<void()> then) {
  ledger_->comes_to(phase);
  journal_->save(scope_, *ledger_, [this, then = std::move(then)](const Result<void>& saved) mutable {
    if (!saved) {
      ledger_->reservation.send_adds_nothing();
      return fail(saved.error());
    }
    then();
  });
}

// --- Nobody knows an outpoint. ---

void Batch::prepare() {
  preparation_.run(node_.features, [this](const Result<checks::Prepared>& prepared) {
    if (!prepared) return fail(prepared.error());
    prepared_ = *prepared;
    context_.commitment_feerate = prepared->commitment_feerate;
    context_.bounds = prepared->bounds;
    context_.commitment = prepared->commitment;
    warn(checks::caution_of_feerate(request_, prepared->feerate));
    for (const auto& caution : roster_.cautions()) warn(caution);
    save(BatchPhase::begun, next(Step::open));
  });
}

// Reserving runs beside the connects, and each peer is asked to start as soon as it is connected and
// the money is there. Only shares have to know the peers first: their features decide how much they may be.
void Batch::open_all() {
  roster_.connect(prepared_.connected_already);
  funded_ = scope_.spark([this](Completion completion) {
    if (!request_.has_shares()) return reserve(std::move(completion));
    roster_.when_connected([this, c = std::move(completion)]() mutable { reserve(std::move(c)); });
  });
  std::vector<Spark> started;
  for (const auto& peer : roster_.all()) started.push_back(open(*peer));
  pings_.watch();
  scope_.wait(std::move(started), when_extended(Step::fit));
}

void Batch::reserve(Completion completion) {
  funding_.reserve(prepared_.feerate, [this, c = std::move(completion)](const Result<void>& funded) mutable {
    if (!funded) return fail(funded.error());
    util::debug(label_, ": reserved");
    for (const auto& peer : roster_.all()) peer->record()->plans(funding_.amount_of(*peer));
    save(BatchPhase::opening, [this, c = std::move(c)]() mutable {
      inputs_.wait();
      std::move(c).done();
    });
  });
}

Spark Batch::open(peers::PeerOpening& peer) {
  return scope_.spark([this, &peer](Completion completion) {
    roster_.when_connected(peer, *funded_, [this, &peer, c = std::move(completion)]() mutable {
      if (!peer.live()) return std::move(c).done();
      warn(checks::caution_of_close_to(peer.destination(), node_.features, peer.features()));
      peer.start(funding_.amount_of(peer), std::move(c));
    });
  });
}

// Peers dropped out: the same inputs for those that are left.
void Batch::propose_again() {
  util::debug(label_, ": proposing the transaction again, ", roster_.live().size(), " peers are left");
  funding_.propose_again([this](const Result<void>& proposed) {
    if (!proposed) return fail(proposed.error());
    advance(Step::fit);
  });
}

void Batch::restart(const Peers& peers) {
  ledger_->plan_dropped();
  for (auto* peer : peers) peer->record()->plans(funding_.amount_of(*peer));
  save(BatchPhase::opening, [this, peers] {
    std::vector<Spark> started;
    for (auto* peer : peers) {
      started.push_back(scope_.spark([this, peer](Completion completion) {
        scope_.wait({roster_.undo(*peer)}, [this, peer, c = std::move(completion)]() mutable {
          peer->live() ? peer->restart(funding_.amount_of(*peer), std::move(c)) : std::move(c).done();
        });
      }));
    }
    inputs_.wait();
    pings_.watch();
    scope_.wait(std::move(started), when_extended(Step::fit));
  });
}

// One that is gone is dropped here, where it costs nobody else anything.
void Batch::ping() {
  pings_.stop_watching();
  inputs_.wait();
  auto then = [this] { advance(funding_.is_for_those_left() ? Step::build : Step::fit); };
  pings_.await_quiet(funding_.peers(), [this, then] { inputs_.stop_waiting(then); });
}

void Batch::build() {
  if (const auto built = funding_.build(random_); !built) return fail(built.error());
  const auto& transaction = funding_.transaction();
  util::info(label_, ": all ", funding_.peers().size(), " peers have started; transaction ", transaction.txid.hex(),
             ", fee ", transaction.cost.fee.value, " sat");
  // While the peers took their time, the first reservation may have lapsed, or been changed by others.
  inputs_.hold(next(Step::announce));
}

// --- Peers know an outpoint. ---

// Beside the pings, which take no time then: nobody waits for those that were heard of just now.
void Batch::announce() {
  pings_.ask(funding_.peers());
  ledger_->plan_made(funding_.plan());
  holding_.announce_extension();
  save(BatchPhase::completing, [this] { inputs_.extend(next(Step::complete)); });
}

void Batch::complete_all() {
  completing_.run(funding_.transaction(), funding_.peers(), when_extended(Step::judge));
  inputs_.wait();
}

void Batch::secured() {
  util::info(label_, ": all ", funding_.peers().size(), " channels are secured");
  if (request_.waits()) return wait_for_user();
  ledger_->reservation.send_adds(context_.calls.settings.blocks_when_sent(ledger_->reservation.blocks));
  save(BatchPhase::sending, next(Step::send));
}

void Batch::wait_for_user() {
  auto told = [this](const Result<lightningd::NodeInfo>& node) {
    if (node) ledger_->plan->wait_began(node->blockheight);
    const auto network = node ? node->network : "";
    const auto answer =
        prepared_json({*ledger_, funding_, roster_.failed(), details(), network, request_.change_address});
    keep_(answer, scope_.guard<Result<void>>("keeping the answer", [this, answer](const Result<void>& kept) {
      kept ? save(BatchPhase::waiting, [this, answer] { finish(answer); }) : fail(kept.error());
    }));
  };
  context_.calls.client.getinfo(context_.calls.local<lightningd::NodeInfo>("getinfo", std::move(told)));
}

// Whoever was told the transaction must forget it before a new one is told to anybody: else two
// transactions could claim the same inputs.
void Batch::forget_transaction() {
  roster_.new_round();
  const Peers told = roster_.told();
  util::info(label_, ": ", told.size(), " peers must forget transaction ", funding_.transaction().txid.hex());
  roster_.undo(told, [this, told](bool gone) {
    if (!gone) return fail(Error{-1, "a channel of an unsent transaction could not be cancelled", {}});
    const Peers again = roster_.without_keepers(told, funding_.transaction().txid);
    if (!scope_.ended()) inputs_.hold([this, again] { restart(again); });
  });
}

// --- Every peer that is left has its commitment secured. ---

void Batch::broadcast() {
  sending::Broadcast::Owner& owner = *this;
  broadcast_ = std::make_unique<sending::Broadcast>(
      context_, owner, sending::Broadcast::Job{ledger_, funding_.transaction(), request_.cap, funding_.peers()});
  broadcast_->run();
}

void Batch::sent(const std::string& tx) {
  for (const auto* peer : funding_.peers()) context_.book.told_in_vain().remove(peer->destination().id);
  warn(checks::caution_of_commitment_feerate(request_, roster_.with_anchors(funding_.peers())));
  policies_.apply(context_.calls.settings.policy_timeout, [this, tx] {
    const sending::Opened opened{funding_.peers(), roster_.failed(), ledger_->plan->payments};
    finish(sending::success_json(tx, funding_.transaction(), opened, details()));
  });
}

// --- Failure ---

void Batch::peer_failed(peers::PeerOpening& peer) {
  roster_.dropped_out(peer);
  completing_.peer_failed();
  if (roster_.live().size() < request_.minchannels)
    return fail(sending::too_few_left(peer, roster_.all(), roster_.failed(), details()));
  // A peer that was told an outpoint is dealt with when all others have answered.
  if (!peer.record()->outpoint) roster_.undo(peer);
}

void Batch::warn(const std::optional<std::string>& caution) {
  if (!caution) return;
  util::info(label_, ": ", *caution);
  if (details_) details_->warn(*caution);
}

void Batch::finish(Result<std::string> answer) {
  if (scope_.ended()) return;
  scope_.end();
  if (details_ && !answer) answer = details_->added_to(std::move(answer.error()));
  roster_.leave();
  scope_.runtime().post(
      [done = std::exchange(done_, nullptr), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

}  // namespace batch
