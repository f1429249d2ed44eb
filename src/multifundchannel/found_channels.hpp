#pragma once

#include <cstddef>
#include <vector>

#include "funding/ledger.hpp"
#include "lightningd/client.hpp"

namespace multifundchannel {

/// How many of a transaction's channels there are, and what they tell.
struct FoundChannels {
  std::size_t wanted = 0;
  std::size_t present = 0;   ///< alive, whether withheld or not
  bool all_withheld = true;  ///< of those that lightningd shows in any state
  bool locked_in = false;    ///< one of them has confirmed
};

/// Of a ledger with a plan.
[[nodiscard]] FoundChannels find_channels(const funding::Ledger& ledger,
                                          const std::vector<lightningd::PeerChannel>& channels);

}  // namespace multifundchannel
