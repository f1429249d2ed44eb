#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bitcoin/fees.hpp"
#include "funding/commitment.hpp"
#include "funding/economy.hpp"
#include "ledger/told_in_vain.hpp"
#include "lightningd/client.hpp"
#include "peers/node_facts.hpp"
#include "preview/inquiry.hpp"
#include "report/batch_report.hpp"
#include "request/request.hpp"
#include "wallet/proposal.hpp"

namespace preview {

/// One destination as a preview has found it.
struct PreviewedPeer {
  const request::Destination* destination = nullptr;
  bitcoin::Sat amount;
  const ledger::ToldInVain::Entry* told = nullptr;  ///< in vain, by an earlier batch
  std::optional<lightningd::Features> features;     ///< nothing when it was not reached
  std::optional<report::PeerFailure> failure;
};

/// Everything that a preview has found out. What lightningd did not tell is left out.
struct PreviewFindings {
  const request::Request& request;
  const peers::NodeFacts& node;
  std::string sync_warning;
  std::optional<lightningd::FeerateLimits> feerates;
  lightningd::NodeLimits limits;
  std::vector<PreviewedPeer> peers;
  std::vector<std::pair<bitcoin::Outpoint, bitcoin::Sat>> inputs;
  std::vector<std::string> coin_warnings;
  std::vector<funding::Coin> left_out;
  bitcoin::Cost cost;
  bool anchors = false;              ///< the emergency reserve has to stay
  bitcoin::Perkw feerate{};          ///< as lightningd has read it
  funding::Commitment commitment{};  ///< what the first commitment transactions cost
  Inquiry::Answers answers{};        ///< of the peers that were asked
  std::vector<std::pair<const request::Payment*, bitcoin::Sat>> payments{};  ///< and what each gets
};

/// The result of the command with `dryrun=true`.
[[nodiscard]] std::string preview_json(const PreviewFindings& findings);

}  // namespace preview
