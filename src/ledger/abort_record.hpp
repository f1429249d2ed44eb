#pragma once

#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "util/rope.hpp"

namespace ledger {

/// The transaction that is to make a batch's own one impossible: it spends inputs of it back to the wallet.
/// In the journal before it is signed; from then on the batch's own transaction is not sent any more.
struct AbortRecord {
  bitcoin::Txid txid;
  std::vector<bitcoin::Outpoint> inputs;  ///< at least one, in the order of the transaction
  bitcoin::Sat fee;
  util::SharedText psbt;        ///< unsigned and stripped, base64
  bool is_script_ours = false;  ///< lightningd has said so of the output's to this process; not in the journal

  void script_is_ours() { is_script_ours = true; }
};

}  // namespace ledger
