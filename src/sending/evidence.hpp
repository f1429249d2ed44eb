#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "psbt/psbt.hpp"
#include "util/result.hpp"

namespace sending {

/// What must be plain before a batch's transaction is signed, whatever its record says and whatever has gone before:
/// it spends the batch's coins and no other, and all that it pays goes to channels of ours, as lightningd shows them
/// now, to the wallet, or to who is on record as one of the caller's payments, exactly so much. That a channel is shown
/// with this outpoint means that lightningd has seen this very transaction, whose id it is, and found the channel's
/// script and amount in it.
class Evidence {
 public:
  /// `ledger` must outlive it.
  Evidence(const ledger::Ledger& ledger, const util::SharedText& psbt);

  /// How the channels must stand. On a lightningd that cannot withhold (before v25.12) none is.
  enum class Channels {
    withheld,
    withheld_or_released,  ///< an earlier sendpsbt may have released them
  };
  /// Errors (-1) say what is not as it must be: then nothing is signed.
  [[nodiscard]] util::Result<void> check(const std::vector<lightningd::PeerChannel>& channels, Channels stand) const;

 private:
  /// What each output pays, by its number: nothing, when no opening names it or two do.
  using Payees = std::vector<const ledger::OpeningRecord*>;

  [[nodiscard]] util::Result<void> check_inputs() const;
  [[nodiscard]] Payees payees() const;
  [[nodiscard]] util::Result<std::set<std::uint32_t>> payments(const Payees& payees) const;
  [[nodiscard]] std::vector<bool> funded(const std::vector<lightningd::PeerChannel>& channels, const Payees& payees,
                                         Channels stand) const;
  [[nodiscard]] bool is_funding(const lightningd::PeerChannel& channel, std::uint32_t output, Channels stand) const;

  const ledger::Ledger& ledger_;
  const util::Result<psbt::Psbt> psbt_;
};

}  // namespace sending
