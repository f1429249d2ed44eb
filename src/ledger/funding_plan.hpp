#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "ledger/payment_record.hpp"
#include "util/bytes.hpp"
#include "util/rope.hpp"

namespace ledger {

/// The funding transaction that peers are told.
struct FundingPlan {
  bitcoin::Txid txid;
  util::SharedText psbt;                              ///< unsigned and stripped, base64
  std::vector<std::optional<std::uint32_t>> outnums;  ///< of each opening; none: not in this transaction
  std::optional<util::Bytes> change;                  ///< the wallet's script that the rest goes to
  bool is_change_ours = false;  ///< lightningd has said so of that script to this process; not in the journal
  bool withheld = false;        ///< lightningd withholds the channels: one that is released may have been sent
  std::vector<PaymentRecord> payments{};  ///< each has an output of its own
  bool is_users = false;                  ///< its inputs are the user's, who signs it
  bitcoin::Sat users_fee;                 ///< of the user's transaction
  std::uint32_t users_weight = 0;         ///< likewise, signed
  std::uint32_t waits_since = 0;          ///< height at which the batch began to wait for its user; 0: not known

  /// lightningd has said whether the script of the change is its wallet's.
  void change_is_ours(bool ours);
  /// Only the first height that was heard of counts.
  void wait_began(std::uint32_t height);
};

}  // namespace ledger
