#include "roster/completing.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "jsonrpc/caller.hpp"

namespace roster {

using funding::FundingTransaction;
using peers::PeerOpening;
using spark::Completion;
using spark::Spark;

namespace {

/// As many as fit into the caller's window.
std::size_t at_a_time(std::size_t psbt_size) {
  return std::max<std::size_t>(16, jsonrpc::Caller::window / std::max<std::size_t>(psbt_size, 1));
}

}  // namespace

void Completing::run(const FundingTransaction& transaction, const Peers& peers, util::Function<void()> then) {
  failed_ = false;
  transaction_ = &transaction;
  peers_ = peers;
  gate_ = std::make_unique<spark::Gate>(scope_.runtime(), at_a_time(transaction.psbt->size()));
  const Numbers first = wave(false);
  Numbers last = wave(true);
  if (first.empty()) return run_wave(last, std::move(then));
  if (!last.empty()) pings_.watch();
  run_wave(first,
           [this, last = std::move(last), then = std::move(then)]() mutable { last_wave(last, std::move(then)); });
}

/// The outputs of those peers.
Completing::Numbers Completing::wave(bool keeps_told_channel) const {
  Numbers outputs;
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    if (peers_[i]->keeps_told_channel() == keeps_told_channel) outputs.push_back(i);
  }
  return outputs;
}

void Completing::run_wave(const Numbers& outputs, util::Function<void()> then) {
  std::vector<Spark> answered;
  for (const auto output : outputs) {
    answered.push_back(
        scope_.spark([this, output](Completion completion) { complete(output, std::move(completion)); }));
  }
  scope_.wait(std::move(answered), std::move(then));
}

// They were pinged when the wave before began, and since then when they were not heard of: the answers are there by
// now.
void Completing::last_wave(const Numbers& outputs, util::Function<void()> then) {
  pings_.stop_watching();
  if (failed_ || outputs.empty()) return then();
  Peers waiting;
  for (const auto output : outputs) waiting.push_back(peers_[output]);
  pings_.await(waiting, [this, outputs, then = std::move(then)]() mutable {
    failed_ ? then() : run_wave(outputs, std::move(then));
  });
}

void Completing::complete(std::size_t output, Completion completion) {
  auto inside = [this, output, c = std::move(completion)](spark::Gate::Pass place) mutable {
    if (failed_) return std::move(c).done();
    const bitcoin::Outpoint outpoint{transaction_->txid, transaction_->outnums[output]};
    const Spark answered = scope_.spark([this, output, outpoint](Completion step) {
      peers_[output]->complete(transaction_->psbt, outpoint, std::move(step));
    });
    scope_.wait({answered}, [place = std::move(place), c = std::move(c)]() mutable { std::move(c).done(); });
  };
  gate_->enter(scope_.guard<spark::Gate::Pass>("complete", std::move(inside)));
}

}  // namespace roster
