#pragma once

#include <cstddef>
#include <vector>

#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"

namespace sending {

/// How many of a transaction's channels there are, and what they tell.
struct FoundChannels {
  std::size_t wanted = 0;
  std::size_t present = 0;   ///< alive, whether withheld or not
  bool all_withheld = true;  ///< of those that lightningd shows in any state
  bool locked_in = false;    ///< one of them has confirmed
};

/// Of a ledger with a plan.
[[nodiscard]] FoundChannels find_channels(const ledger::Ledger& ledger,
                                          const std::vector<lightningd::PeerChannel>& channels);

/// A channel of the plan's transaction on which a peer may count already: one without confirmations is in use at once, may
/// be spliced, and may be closing again. Nothing when there is none.
[[nodiscard]] const lightningd::PeerChannel* find_in_use(const ledger::Ledger& ledger,
                                                         const std::vector<lightningd::PeerChannel>& channels);

}  // namespace sending
