#include "report/batch_watch.hpp"

#include <numeric>
#include <utility>

#include "report/cause.hpp"
#include "util/str.hpp"

namespace report {

using util::str;

namespace {

/// What a peer says may be long; the whole of it is in the result.
constexpr std::size_t longest_message = 300;

std::vector<lightningd::NodeId> ids_of(const std::vector<request::Destination>& destinations) {
  std::vector<lightningd::NodeId> ids;
  for (const auto& destination : destinations) ids.push_back(destination.id);
  return ids;
}

std::size_t number_of(Phase phase) { return static_cast<std::size_t>(phase); }

}  // namespace

BatchWatch::BatchWatch(spark::Runtime& runtime, const std::vector<request::Destination>& destinations)
    : timeline_(std::make_shared<Timeline>(runtime, ids_of(destinations))),
      progress_(destinations.size()),
      peers_(destinations.size(), Phase::prepare) {
  live_at_[number_of(Phase::prepare)] = destinations.size();
}

void BatchWatch::tell(Progress::Show show, Say say) {
  progress_.show_with(std::move(show));
  say_ = std::move(say);
}

void BatchWatch::peer_at(std::size_t destination, Phase phase) {
  auto& before = peers_[destination];
  --live_at_[number_of(before)];
  ++live_at_[number_of(phase)];
  before = phase;
  update();
}

void BatchWatch::peer_failed(std::size_t destination, const PeerFailure& failure) {
  --live_at_[number_of(peers_[destination])];
  timeline_->lose(destination, failure);
  if (say_)
    say_(str("peer ", destination, " (", timeline_->peers()[destination].hex(),
             ") is out: ", name_of(cause_of(name_of(failure.method), failure.error)), ", ", name_of(failure.method),
             ": ", failure.error.message.substr(0, longest_message)));
  update();
}

void BatchWatch::sending() {
  timeline_->enter(Phase::send);
  progress_.at(Phase::send, 0);
}

void BatchWatch::ended(bool well) {
  if (well) progress_.finished();
  timeline_->enter(Phase::undo);
}

// As far as the last peer that is left. Signing begins for all together: see sending().
void BatchWatch::update() {
  if (std::accumulate(live_at_.begin(), live_at_.end(), std::size_t{0}) == 0) return;
  std::size_t phase = 0;
  while (phase < number_of(Phase::complete) && live_at_[phase] == 0) ++phase;
  const auto behind = live_at_[phase];
  timeline_->enter(static_cast<Phase>(phase));
  progress_.at(static_cast<Phase>(phase), peers_.size() - behind);
}

}  // namespace report
