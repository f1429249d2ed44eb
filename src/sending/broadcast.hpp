#pragma once

#include <memory>
#include <string>
#include <vector>

#include "funding/funding_transaction.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "peers/peer_opening.hpp"
#include "peers/retraction.hpp"
#include "request/fee_cap.hpp"

namespace sending {

/// The end of a batch, when every peer that is left has its commitment secured:
///
///   all still there -> sign -> all still there -> send [-> find out whether it was sent]
///
/// What bitcoind has refused is taken back where that is safe.
///
/// Owned by the Batch, one for each transaction that it gets so far with; runs in its scope.
class Broadcast {
 public:
  /// Exactly one of these ends it, unless the scope ends first.
  class Owner {
   public:
    /// lightningd has sent it. `tx` is signed, in hex.
    virtual void sent(const std::string& tx) = 0;
    /// Peers have given up their channels and were failed for it: the others need another transaction.
    virtual void channels_vanished() = 0;
    /// 303 when it may have been sent; then the ledger says so too.
    virtual void not_sent(const util::Error& error) = 0;

   protected:
    ~Owner() = default;
  };

  /// What outlives it but the ledger and the list, which it keeps.
  struct Job {
    std::shared_ptr<ledger::Ledger> ledger;
    const funding::FundingTransaction& transaction;
    const request::FeeCap& cap;
    std::vector<peers::PeerOpening*> peers;
  };

  Broadcast(peers::BatchContext& context, Owner& owner, Job job);
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  /// Call once, when the journal says that the transaction may be sent.
  void run();

 private:
  void ask_floor();
  void check_channels(util::Function<void()> then);
  void sign();
  void refused(const util::Error& error);
  void not_signed(const util::Error& error);
  void nothing_added();
  void signed_psbt(const util::Result<util::SharedText>& psbt);
  void send(const util::SharedText& psbt);
  void answered(const util::Result<lightningd::Sent>& answer);
  void not_confirmed(const util::Error& error);
  void not_known(const util::Error& error);
  void refused_by_bitcoind(const util::Error& error);
  void maybe_sent(const util::Error& error);

  peers::BatchContext& context_;
  Owner& owner_;
  const std::shared_ptr<ledger::Ledger> ledger_;
  const funding::FundingTransaction& transaction_;
  const request::FeeCap& cap_;
  const std::vector<peers::PeerOpening*> peers_;
  const std::string label_;
  std::unique_ptr<peers::Retraction> retraction_;
  std::string signed_tx_;  ///< hex, for the user alone; empty when we cannot finish it, only lightningd can
};

}  // namespace sending
