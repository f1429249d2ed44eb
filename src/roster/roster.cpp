#include "roster/roster.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "peers/pending_limit.hpp"

namespace roster {

using peers::PeerOpening;
using peers::PeerUndo;
using spark::Completion;
using spark::Spark;

Roster::Roster(peers::BatchContext& context, PeerOpening::Owner& owner, wallet::Holding& holding,
               const std::vector<request::Destination>& destinations)
    : context_(context), holding_(holding) {
  auto& ledger = *holding.ledger();
  for (const auto& destination : destinations) {
    auto record = ledger.add_opening(destination);
    context.book.add(record);
    peers_.push_back(std::make_unique<PeerOpening>(context, owner, destination, std::move(record)));
  }
}

void Roster::connect(const std::set<std::size_t>& connected_already) {
  std::map<std::size_t, Spark> sparks;
  for (auto* peer : slowest_first()) {
    const auto index = peer->destination().index;
    const bool already = connected_already.contains(index);
    sparks.emplace(index, context_.calls.scope.spark([peer, already](Completion completion) {
      peer->connect(already, std::move(completion));
    }));
  }
  for (const auto& [index, spark] : sparks) connects_.push_back(spark);
}

// Places among the connects are few: what takes long is to begin early.
Peers Roster::slowest_first() const {
  Peers peers = live();
  const auto expected = [this](const PeerOpening* peer) {
    return context_.pending->expected(peer->destination().id, peer->destination().address);
  };
  std::stable_sort(peers.begin(), peers.end(),
                   [expected](const auto* one, const auto* other) { return expected(one) > expected(other); });
  return peers;
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
  context_.calls.scope.wait(std::move(undone), [this, then = std::move(then)]() mutable { then(!channel_remains_); });
}

Peers Roster::without_keepers(const Peers& told, const bitcoin::Txid& dead) {
  for (auto* peer : told) {
    const auto* kept = peer->live() ? context_.book.told_in_vain().find(peer->destination().id) : nullptr;
    if (kept != nullptr && kept->channel.txid == dead)
      peer->fail(report::PeerMethod::fundchannel_start, peers::pending_limit(*kept));
  }
  Peers left = told;
  std::erase_if(left, [](const auto* peer) { return !peer->live(); });
  return left;
}

std::vector<std::string> Roster::cautions() const {
  std::vector<std::string> cautions;
  for (const auto& peer : peers_) {
    const auto* told = context_.book.told_in_vain().find(peer->destination().id);
    if (told != nullptr) cautions.push_back(peers::caution_of_told(peer->destination(), *told));
  }
  return cautions;
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

bool Roster::is_too_old(const PeerOpening& peer) {
  const auto age = context_.calls.scope.runtime().now() - peer.started_at();
  return age > context_.calls.settings.opening_age && renewed_.insert(&peer).second;
}

std::size_t Roster::with_anchors(const Peers& peers) const {
  const auto count = std::count_if(peers.begin(), peers.end(), [this](const auto* peer) {
    return funding::kind_of(peer->destination(), context_.features, peer->features()) ==
           funding::Commitment::Kind::anchors;
  });
  return static_cast<std::size_t>(count);
}

void Roster::tell(report::BatchReport& report) const {
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    const auto& failure = peers_[i]->failure();
    if (!failure) continue;
    report.destinations[i].state = report::DestinationState::failed;
    report.destinations[i].failure = failure;
  }
}

Peers Roster::told() const {
  Peers peers;
  for (const auto& peer : peers_) {
    if (peer->record()->outpoint) peers.push_back(peer.get());
  }
  return peers;
}

}  // namespace roster
