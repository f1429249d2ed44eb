#include "batch/completing.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "jsonrpc/caller.hpp"

namespace batch {

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
  gate_ = std::make_unique<spark::Gate>(scope_.runtime(), at_a_time(transaction.psbt->size()));
  std::vector<Spark> answered;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    answered.push_back(scope_.spark([this, &transaction, i, &peer = *peers[i]](Completion completion) {
      complete(transaction, i, peer, std::move(completion));
    }));
  }
  scope_.wait(std::move(answered), std::move(then));
}

void Completing::complete(const FundingTransaction& transaction, std::size_t output, PeerOpening& peer,
                          Completion completion) {
  const bitcoin::Outpoint outpoint{transaction.txid, transaction.outnums[output]};
  auto inside = [this, psbt = transaction.psbt, outpoint, &peer,
                 c = std::move(completion)](spark::Gate::Pass place) mutable {
    if (failed_) return std::move(c).done();
    const Spark answered = scope_.spark(
        [&peer, psbt, outpoint](Completion step) { peer.complete(psbt, outpoint, std::move(step)); });
    scope_.wait({answered}, [place = std::move(place), c = std::move(c)]() mutable { std::move(c).done(); });
  };
  gate_->enter(scope_.guard<spark::Gate::Pass>("complete", std::move(inside)));
}

}  // namespace batch
