#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "funding/commitment.hpp"
#include "funding/economy.hpp"
#include "funding/request.hpp"
#include "lightningd/client.hpp"
#include "multifundchannel/batch_report.hpp"
#include "multifundchannel/node_facts.hpp"
#include "multifundchannel/proposal.hpp"

namespace multifundchannel {

/// One destination as a preview has found it.
struct PreviewedPeer {
  const funding::Destination* destination = nullptr;
  lightningd::Sat amount;
  std::optional<lightningd::Features> features;  ///< nothing when it was not reached
  std::optional<PeerFailure> failure;
};

/// Everything that a preview has found out. What lightningd did not tell is left out.
struct PreviewFindings {
  const funding::Request& request;
  const NodeFacts& node;
  std::string sync_warning;
  std::optional<lightningd::FeerateLimits> feerates;
  lightningd::NodeLimits limits;
  std::vector<PreviewedPeer> peers;
  std::vector<std::pair<lightningd::Outpoint, lightningd::Sat>> inputs;
  std::vector<std::string> coin_warnings;
  std::vector<funding::Coin> left_out;
  funding::Cost cost;
  bool anchors = false;              ///< the emergency reserve has to stay
  lightningd::Perkw feerate{};       ///< as lightningd has read it
  funding::Commitment commitment{};  ///< what the first commitment transactions cost
};

/// The result of the command with `dryrun=true`.
[[nodiscard]] std::string preview_json(const PreviewFindings& findings);

}  // namespace multifundchannel
