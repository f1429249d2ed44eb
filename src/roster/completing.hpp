#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "funding/funding_transaction.hpp"
#include "peers/peer_opening.hpp"
#include "roster/pings.hpp"
#include "roster/roster.hpp"
#include "spark/gate.hpp"
#include "spark/scope.hpp"
#include "util/function.hpp"

namespace roster {

/// Has the peers of one transaction complete their openings, in two waves: those that keep the channel of a transaction
/// that is dead (LND) come last, so that no failure of another peer leaves them with one. Each call carries the whole
/// PSBT, so they are sent a few at a time: the first failure keeps those from being sent that would be for a dead
/// transaction. Owned by the Batch, and runs in its scope.
class Completing {
 public:
  /// `pings` outlives it, and has asked the peers before.
  Completing(spark::Scope& scope, Pings& pings) : scope_(scope), pings_(pings) {}
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
  using Numbers = std::vector<std::size_t>;

  [[nodiscard]] Numbers wave(bool keeps_told_channel) const;
  void run_wave(const Numbers& outputs, util::Function<void()> then);
  void last_wave(const Numbers& outputs, util::Function<void()> then);
  void complete(std::size_t output, spark::Completion completion);

  spark::Scope& scope_;
  Pings& pings_;
  const funding::FundingTransaction* transaction_ = nullptr;
  Peers peers_;  ///< of its outputs, in order
  std::unique_ptr<spark::Gate> gate_;
  bool failed_ = false;
};

}  // namespace roster
