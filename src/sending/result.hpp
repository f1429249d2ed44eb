#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "funding/funding_transaction.hpp"
#include "lightningd/client.hpp"
#include "peers/peer_opening.hpp"
#include "report/details.hpp"

namespace sending {

/// What became of a batch's peers, and what its transaction pays beside them.
struct Opened {
  const std::vector<peers::PeerOpening*>& opened;
  const std::vector<const peers::PeerOpening*> failed;
  const std::vector<ledger::PaymentRecord>& payments;
};

/// The result of the command, as the builtin's schema has it; with `details` more, and with the payments when there are
/// any. `tx` is signed, in hex.
[[nodiscard]] std::string success_json(const std::string& tx, const funding::FundingTransaction& transaction,
                                       const Opened& batch, const report::Details* details);

/// `channel_ids` and `failed` of that result, into an open object.
void write_peers(json::Writer& out, const funding::FundingTransaction& transaction, const Opened& batch,
                 const report::Details* details);

/// The error of a batch that lost too many peers: code and message of the failure that decided it,
/// `data` with its id and method as the builtin has them, and `failed` with every peer: those that
/// failed with their own errors, the others as given up.
[[nodiscard]] util::Error too_few_left(const peers::PeerOpening& decisive,
                                       const std::vector<std::unique_ptr<peers::PeerOpening>>& all,
                                       const std::vector<const peers::PeerOpening*>& failed,
                                       const report::Details* details);

/// The error (303) of a batch whose transaction may or may not have gone out; `data` has txid, tx (unless that
/// is empty) and the batch's id.
[[nodiscard]] util::Error maybe_sent(const ledger::Ledger& ledger, const std::string& tx, const util::Error& cause);

/// The error (303) of a batch whose transaction bitcoind has refused, and whose only channel is gone: `data` has the
/// txid and the batch's id, but no `tx`. Nobody shall send that any more.
[[nodiscard]] util::Error refused_and_undone(const ledger::Ledger& ledger, const util::Error& cause);

/// The same of one that cannot be taken back, because lightningd keeps the signed transaction in several channels.
[[nodiscard]] util::Error refused_and_kept(const ledger::Ledger& ledger, const util::Error& cause);

}  // namespace sending
