#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "context/calls.hpp"
#include "funding/commitment.hpp"
#include "lightningd/client.hpp"
#include "request/request.hpp"
#include "spark/scope.hpp"

namespace checks {

/// Finds what lightningd would refuse without asking a peer: our own node as a peer, an address that is none, a
/// close_to or channel_type that this node does not take, a push or a reserve that the amount cannot bear, missing fee
/// estimates.
/// lightningd itself judges (its `check`), so that nothing is refused here that it takes. What it does not answer in
/// time is left to be found later. Owned by the Preparation; runs in its scope.
class Preflight {
 public:
  /// What to do about "Cannot estimate fees"; to be put behind it.
  static constexpr std::string_view remedy_without_estimates =
      ": without an estimate of its own, lightningd opens no channel, whatever feerate and commitment_feerate say. "
      "Wait "
      "until bitcoind has one (`feerates perkw` shows it), or start lightningd with force-feerates";

  /// What is known before.
  struct Known {
    lightningd::Features features;   ///< our node's
    std::string commitment_feerate;  ///< as for fundchannel_start
    bitcoin::Perkw plain_feerate;    ///< what that means without anchors
  };

  Preflight(context::Calls calls, const request::Request& request) : calls_(std::move(calls)), request_(request) {}
  Preflight(const Preflight&) = delete;
  Preflight& operator=(const Preflight&) = delete;

  /// Asks for everything at once.
  [[nodiscard]] std::vector<spark::Spark> ask(Known known);

  /// What lightningd's feerates are, when it has told.
  void take(const lightningd::FeerateLimits& feerates);
  /// When all of it is done, before the refusal is asked for: judges pushes and reserves.
  void judge_amounts();

  /// When all of it is done: the first refusal, by the order of the destinations.
  [[nodiscard]] const std::optional<util::Error>& refusal() const { return refusal_; }
  /// Likewise: what the channels' commitment transactions will cost.
  [[nodiscard]] const funding::Commitment& commitment() const { return commitment_; }

 private:
  [[nodiscard]] spark::Spark ask_node();
  [[nodiscard]] spark::Spark ask_limits();
  [[nodiscard]] spark::Spark ask_start(const request::Destination& destination);
  [[nodiscard]] spark::Spark ask_address(const request::Destination& destination);
  void judge_start(const request::Destination& destination, const util::Error& error);
  void refuse(std::size_t index, util::Error error);

  context::Calls calls_;
  const request::Request& request_;
  Known known_;
  funding::Commitment commitment_;
  std::optional<util::Error> refusal_;
  std::size_t refused_ = 0;  ///< the destination that `refusal_` is about
};

}  // namespace checks
