#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "checks/preflight.hpp"
#include "context/calls.hpp"
#include "funding/fee_bounds.hpp"
#include "lightningd/client.hpp"
#include "request/request.hpp"
#include "spark/scope.hpp"

namespace checks {

/// What lightningd says before anything happens.
struct Prepared {
  bitcoin::Perkw feerate;
  std::string commitment_feerate;           ///< for fundchannel_start; empty: lightningd's default
  bitcoin::Perkw plain_feerate;             ///< what that means for channels without anchors
  funding::Commitment commitment;           ///< what the first commitment transactions cost
  std::set<std::size_t> connected_already;  ///< destinations that were connected before we came
  funding::FeeBounds bounds;                ///< of the funding transaction's fee, as bitcoind has them now
};

/// Asks for the feerates and for the peers that are connected; nothing of it has an effect. Owned by whoever
/// opens or previews a batch, and runs in its scope.
class Preparation {
 public:
  Preparation(context::Calls calls, const request::Request& request)
      : calls_(std::move(calls)), request_(request), preflight_(calls, request) {}
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;

  /// Call once. `features` are our node's. An error, which names the destination if it is about one, has to end the
  /// scope.
  void run(lightningd::Features features, lightningd::Reply<Prepared> then);

 private:
  void parse_feerates();
  void parse_commitment_feerate();
  void find_connected();
  void ask_connected(std::size_t index, spark::Completion completion);
  void ask_floor(spark::Completion completion);
  void asked();
  void fail(util::Error error);

  context::Calls calls_;
  const request::Request& request_;
  Preflight preflight_;
  lightningd::Features features_;
  lightningd::Reply<Prepared> then_;
  Prepared prepared_;
};

}  // namespace checks
