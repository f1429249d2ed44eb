#include "batch/roster.hpp"

#include <utility>

namespace batch {

using peers::PeerOpening;
using peers::PeerUndo;
using spark::Completion;
using spark::Spark;

Roster::Roster(peers::BatchContext& context, PeerOpening::Owner& owner, wallet::Holding& holding,
               const std::vector<request::Destination>& destinations)
    : context_(context), holding_(holding) {
  auto& ledger = *holding.ledger();
  for (const auto& destination : destinations) {
    auto record = std::make_shared<ledger::OpeningRecord>();
    record->peer = destination.id;
    record->batch = ledger.id;
    record->planned = destination.amount;
    record->label = ledger::label_of(*record, destination.index);
    if (destination.policy) record->policy = request::PolicyRecord{*destination.policy};
    ledger.openings.push_back(record);
    context.book.add(record);
    peers_.push_back(std::make_unique<PeerOpening>(context, owner, destination, std::move(record)));
  }
}

void Roster::connect(const std::set<std::size_t>& connected_already) {
  for (const auto& peer : peers_) {
    const bool already = connected_already.contains(peer->destination().index);
    connects_.push_back(context_.calls.scope.spark(
        [&peer = *peer, already](Completion completion) { peer.connect(already, std::move(completion)); }));
  }
}

void Roster::when_connected(util::Function<void()> then) { context_.calls.scope.wait(connects_, std::move(then)); }

void Roster::when_connected(const PeerOpening& peer, const Spark& other, util::Function<void()> then) {
  context_.calls.scope.wait({connects_[peer.destination().index], other}, std::move(then));
}

Spark Roster::undo(PeerOpening& peer) {
  undos_.push_back(std::make_unique<PeerUndo>(context_.calls, context_.book, holding_, peer.record()));
  return context_.calls.scope.spark([this, &undo = *undos_.back()](Completion completion) {
    undo.run([this, c = std::move(completion)](PeerUndo::Outcome outcome) mutable {
      if (outcome == PeerUndo::Outcome::channel_remains) channel_remains_ = true;
      std::move(c).done();
    });
  });
}

void Roster::undo(const Peers& peers, util::Function<void(bool gone)> then) {
  channel_remains_ = false;
  std::vector<Spark> undone;
  for (auto* peer : peers) undone.push_back(undo(*peer));
  context_.calls.scope.wait(std::move(undone),
                            [this, then = std::move(then)]() mutable { then(!channel_remains_); });
}

void Roster::leave() {
  for (const auto& peer : peers_) peer->leave();
}

Peers Roster::live() const {
  Peers peers;
  for (const auto& peer : peers_) {
    if (peer->live()) peers.push_back(peer.get());
  }
  return peers;
}

Peers Roster::told() const {
  Peers peers;
  for (const auto& peer : peers_) {
    if (peer->record()->outpoint) peers.push_back(peer.get());
  }
  return peers;
}

}  // namespace batch
