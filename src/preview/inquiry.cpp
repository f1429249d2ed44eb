#include "preview/inquiry.hpp"

#include <algorithm>
#include <utility>

#include "util/log.hpp"

namespace preview {

using peers::PeerOpening;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;

namespace {

std::vector<request::Destination> renumbered(std::vector<request::Destination> destinations) {
  for (std::size_t i = 0; i < destinations.size(); ++i) destinations[i].index = i;
  return destinations;
}

std::vector<std::size_t> indices_of(const std::vector<request::Destination>& destinations) {
  std::vector<std::size_t> indices;
  for (const auto& destination : destinations) indices.push_back(destination.index);
  return indices;
}

}  // namespace

Inquiry::Inquiry(const peers::Process& process, lightningd::Client client, Order order, journal::Kept kept)
    : process_(process),
      client_(std::move(client)),
      destinations_(renumbered(order.destinations)),
      indices_(indices_of(order.destinations)),
      ledger_(std::move(kept.ledger)),
      journal_(std::move(kept.journal)),
      watch_(process.runtime, destinations_),
      scope_(process.runtime, [this](const Error&) { undo_rest(); }),
      context_{.calls = {scope_, client_, process.settings},
               .connects = process.connects,
               .watch = watch_,
               .book = process.book,
               .commitment_feerate = std::move(order.commitment_feerate),
               .withhold = process.node.withhold,
               .tells_pongs_apart = process.node.tells_pongs_apart,
               .features = process.node.features,
               .commitment = order.commitment,
               .pending = process.node.connects},
      holding_(context_.calls, context_.book, ledger_, saving(scope_)),
      roster_(context_, *this, holding_, destinations_),
      ending_(process.runtime, [this](const Error&) { end(false); }) {
  context_.log = std::make_unique<peers::LogLook>(context_.calls);
  ledger_->only_asks();
}

wallet::Holding::Save Inquiry::saving(spark::Scope& scope) {
  return [this, &scope](const ledger::Ledger& now, lightningd::Reply<void> then) {
    journal_->save(scope, now, std::move(then));
  };
}

void Inquiry::run(Done done) {
  done_ = std::move(done);
  if (destinations_.empty()) return end(true);  // a record names the peers that it is about
  util::info(ledger::label_of(ledger_->id), ": asks ", destinations_.size(), " peers whether they would open, id ",
             ledger_->id);
  ledger_->comes_to(ledger::BatchPhase::opening);
  journal_->save(scope_, *ledger_, [this](const Result<void>& saved) {
    if (saved) return ask_all();
    for (const auto& peer : roster_.all()) peer->fail(not_asked, saved.error());
    undo_rest();
  });
}

void Inquiry::abort() { undo_rest(); }

void Inquiry::ask_all() {
  std::vector<Spark> asked;
  for (const auto& peer : roster_.all()) {
    asked.push_back(scope_.spark([this, &peer = *peer](Completion completion) { ask(peer, std::move(completion)); }));
  }
  scope_.wait(std::move(asked), [this] { undo_rest(); });
}

void Inquiry::ask(PeerOpening& peer, Completion completion) {
  const Spark connected = scope_.spark([&peer](Completion step) { peer.connect(true, std::move(step)); });
  scope_.wait({connected}, [this, &peer, c = std::move(completion)]() mutable {
    if (!peer.live()) return std::move(c).done();
    look_at_channels(peer, std::move(c));
  });
}

// lightningd has one opening with a peer: another batch's would make this one fail, or be ended by its undoing. And
// beside a channel that awaits its lock-in an opening can only be ended by hanging up, which the peer's other channels
// would feel.
void Inquiry::look_at_channels(PeerOpening& peer, Completion completion) {
  using Channels = std::vector<lightningd::PeerChannel>;
  auto listed = [this, &peer, c = std::move(completion)](const Result<Channels>& channels) mutable {
    const bool awaits = !channels || std::any_of(channels->begin(), channels->end(), [](const auto& channel) {
      return channel.opened_by_us && channel.awaits_lockin();
    });
    if (process_.book.another_is_opening(*peer.record())) {
      peer.fail(not_asked, Error{-1, "Already funding channel: another batch opens one with this peer", {}});
    } else if (awaits) {
      peer.fail(not_asked,
                Error{-1, "Have in-progress channel: it is not asked while a channel awaits its lock-in", {}});
    }
    if (!peer.live()) return std::move(c).done();
    start(peer, std::move(c));
  };
  context_.calls.client.listpeerchannels(peer.destination().id,
                                         context_.calls.local<Channels>("listpeerchannels", std::move(listed)));
}

void Inquiry::start(PeerOpening& peer, Completion completion) {
  const Spark started =
      scope_.spark([&peer](Completion step) { peer.start(peer.destination().amount, std::move(step)); });
  scope_.wait({started}, [this, &peer, c = std::move(completion)]() mutable { undo(peer, std::move(c)); });
}

void Inquiry::undo(PeerOpening& peer, Completion completion) {
  scope_.wait({roster_.undo(peer)}, [c = std::move(completion)]() mutable { std::move(c).done(); });
}

// All of it is gone already, unless something went wrong or it was aborted.
void Inquiry::undo_rest() {
  if (std::exchange(undoing_, true)) return;
  scope_.end();
  undo_ = std::make_unique<batch::Undo>(process_, client_, ledger_, saving(ending_));
  undo_->run([this](bool clean) {
    if (!clean) return end(false);
    journal_->remove(ending_, [this](const Result<void>& removed) { end(removed.ok()); });
  });
}

void Inquiry::end(bool settled) {
  if (!done_) return;
  process_.runtime.post([done = std::exchange(done_, nullptr), answers = answers(), settled]() mutable {
    done(std::move(answers), settled);
  });
}

Inquiry::Answers Inquiry::answers() const {
  Answers answers;
  for (const auto& peer : roster_.all()) {
    const auto& terms = peer->terms();
    if (!peer->failure() && terms.funding_address.empty()) continue;
    answers[indices_[peer->destination().index]] = {peer->failure(), terms};
  }
  return answers;
}

}  // namespace preview
