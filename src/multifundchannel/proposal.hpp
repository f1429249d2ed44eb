#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "funding/division.hpp"
#include "funding/funding_transaction.hpp"
#include "lightningd/client.hpp"
#include "util/result.hpp"

namespace multifundchannel {

/// Who is to be paid in one round.
struct Payees {
  std::size_t count = 0;                   ///< destinations, with and without a share
  lightningd::Sat fixed;                   ///< sum of the amounts of those without
  std::vector<funding::Claim> claims;      ///< of those with
  std::vector<lightningd::Sat> amounts{};  ///< of those without, one by one
};

/// By the index of the destination.
using Shares = std::map<std::size_t, lightningd::Sat>;

/// What the wallet offers for the payees.
struct Proposal {
  funding::Template draft;
  Shares shares;         ///< what each share gets
  lightningd::Sat paid;  ///< to all payees together
};

/// What the wallet's answer comes to: a proposal, or another question.
struct Reading {
  std::optional<Proposal> proposal;
  Shares shares;             ///< when there is none: what each share gets...
  Payees settled;            ///< ...for which the wallet is to be asked again, with the shares as fixed amounts,
  bool choose_anew = false;  ///< with any coins...
  std::vector<lightningd::Outpoint> coins;  ///< ...or with these, the same
  std::string trimmed{};                    ///< for the log: `all` was more than the peer takes
};

/// What fundpsbt and utxopsbt are asked, apart from coins and reservation.
[[nodiscard]] lightningd::FundParams fund_params(lightningd::Perkw feerate, bool anchor_channel, const Payees& payees);

/// Reads the answer for these payees; `first` when the coins were chosen for it. Errors: -1 for a PSBT that
/// can not be read, -32602 for an input that is not native segwit and for shares that are too small.
[[nodiscard]] util::Result<Reading> read_answer(const lightningd::Funded& funded, const Payees& payees, bool first);

/// Who offers large channels as we do takes any amount as a share, others up to the limit.
[[nodiscard]] lightningd::Sat most_for(const lightningd::Features& node, const lightningd::Features& peer);

}  // namespace multifundchannel
