#include "report/timeline.hpp"

#include <utility>

#include "report/cause.hpp"

namespace report {

using spark::Duration;

Timeline::Timeline(spark::Runtime& runtime, std::vector<lightningd::NodeId> peers)
    : runtime_(runtime), begun_(runtime.now()), peers_(std::move(peers)), calls_of_(peers_.size()) {
  for (std::size_t i = 0; i < peers_.size(); ++i) destinations_[peers_[i]] = i;
  phases_.push_back({Phase::prepare, {}});
}

Duration Timeline::now() const { return runtime_.now() - begun_; }

void Timeline::enter(Phase phase) {
  if (phases_.back().phase == phase) return;
  phases_.back().slice.end = now();
  phases_.push_back({phase, {now(), {}}});
}

void Timeline::lose(std::size_t destination, const PeerFailure& failure) {
  const auto* method = name_of(failure.method);
  losses_.push_back({destination, now(), method, failure.error.code, cause_of(method, failure.error)});
}

std::size_t Timeline::sent(const char* method, const lightningd::NodeId* peer) {
  Call call{method, {}, {now(), {}}, 0};
  const auto found = peer != nullptr ? destinations_.find(*peer) : destinations_.end();
  if (found != destinations_.end()) {
    call.destination = found->second;
    calls_of_[found->second].push_back(calls_.size());
  }
  calls_.push_back(std::move(call));
  return calls_.size() - 1;
}

void Timeline::answered(std::size_t call, const util::Error* error) {
  calls_[call].slice.end = now();
  if (error != nullptr) calls_[call].error = error->code;
}

Duration Timeline::length(const Slice& slice) const { return slice.end.value_or(now()) - slice.begin; }

std::array<Duration, phase_count> Timeline::per_phase() const {
  std::array<Duration, phase_count> sums{};
  for (const auto& [phase, slice] : phases_) sums[static_cast<std::size_t>(phase)] += length(slice);
  return sums;
}

std::map<std::string, Duration> Timeline::of_peer(std::size_t destination) const {
  std::map<std::string, Duration> sums;
  for (const auto number : calls_of_[destination]) sums[calls_[number].method] += length(calls_[number].slice);
  return sums;
}

}  // namespace report
