#pragma once

#include <string>
#include <vector>

#include "batch/funding.hpp"
#include "ledger/ledger.hpp"
#include "peers/peer_opening.hpp"
#include "report/details.hpp"

namespace batch {

/// A batch whose channels are secured, and which waits for its user.
struct PreparedBatch {
  const ledger::Ledger& ledger;
  const Funding& funding;
  std::vector<const peers::PeerOpening*> failed;
  const report::Details* details;
  std::string network;         ///< of which the addresses are
  std::string change_address;  ///< as its user wrote it; empty when he did not
};

/// The result of multifundchannel-prepare, and of multifundchannel with send=false: the PSBT to sign (the user's, if it
/// is one), its outputs as a table and as CSV (address, amount in BTC, label), and the block at which peers forget it.
[[nodiscard]] std::string prepared_json(const PreparedBatch& batch);

}  // namespace batch
