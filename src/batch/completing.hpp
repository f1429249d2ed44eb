#pragma once

#include <memory>

#include "batch/roster.hpp"
#include "funding/funding_transaction.hpp"
#include "peers/peer_opening.hpp"
#include "spark/gate.hpp"
#include "spark/scope.hpp"
#include "util/function.hpp"

namespace batch {

/// Has the peers of one transaction complete their openings. Each call carries the whole PSBT, so they are sent a few
/// at a time: the first failure keeps those from being sent that would be for a dead transaction. Owned by the Batch,
/// and runs in its scope.
class Completing {
 public:
  explicit Completing(spark::Scope& scope) : scope_(scope) {}
  Completing(const Completing&) = delete;
  Completing& operator=(const Completing&) = delete;

  /// `then` comes when each has answered or was not asked any more; the transaction outlives that. Again for the next
  /// transaction.
  void run(const funding::FundingTransaction& transaction, const Peers& peers, util::Function<void()> then);
  /// A peer of the batch has failed, whatever it was doing.
  void peer_failed() { failed_ = true; }
  /// Whether one has since run(): not all have their commitments secured.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  void complete(const funding::FundingTransaction& transaction, std::size_t output, peers::PeerOpening& peer,
                spark::Completion completion);

  spark::Scope& scope_;
  std::unique_ptr<spark::Gate> gate_;
  bool failed_ = false;
};

}  // namespace batch
