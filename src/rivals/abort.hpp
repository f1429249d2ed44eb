#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bitcoin/transaction.hpp"
#include "chain/chain_look.hpp"
#include "context/calls.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "psbt/psbt.hpp"
#include "rivals/rival.hpp"
#include "sending/own_script.hpp"
#include "spark/scope.hpp"

namespace rivals {

/// One attempt at making a batch's transaction impossible, with the transaction of the ledger's AbortRecord:
///
///   the batch's transaction is six blocks deep    -> lost: it was too late, the channels open
///   another one spends an input, six blocks deep  -> won
///   one of them is in a block                     -> wait
///   else                                          -> sign and send the abort's own (again), and wait
///
/// look() needs no AbortRecord: it serves a batch that is not aborted as well. Owned by the Impossibility, which makes
/// one for each attempt; runs in the Settlement's scope.
class Abort {
 public:
  enum class Outcome { won, lost, unsent, waiting };
  using Done = util::Function<void(Outcome, const std::string& what)>;

  /// `book` knows what other batches of this process have reserved since.
  Abort(context::Calls calls, const ledger::Book& book, std::shared_ptr<ledger::Ledger> ledger);
  Abort(const Abort&) = delete;
  Abort& operator=(const Abort&) = delete;

  /// What the chain says. `unsent`: no block has either, and send() is the next step, with the inputs reserved.
  void look(Done done);
  /// Ends with `waiting`. Nothing is signed unless it is plain that it spends inputs of the batch, which lightningd
  /// shows to be reserved by it, into one output that is the wallet's own, for the fee that was recorded; and that no
  /// channel of the batch is in use.
  void send(Done done);
  /// After look(): of what spends an input, and of the chain.
  [[nodiscard]] std::uint32_t depth() const { return depth_; }
  [[nodiscard]] std::uint32_t height() const { return height_; }

 private:
  using Transactions = std::vector<chain::WalletTransaction>;
  using Outputs = std::vector<lightningd::WalletOutput>;
  using Channels = std::vector<lightningd::PeerChannel>;

  void judge(const Transactions& transactions, std::uint32_t height);
  [[nodiscard]] bool is_as_recorded(const psbt::Psbt& psbt) const;
  void owned(const util::Result<sending::Ownership>& ownership);
  void look_at_channels();
  void look_at_inputs();
  void sign(const Outputs& outputs);
  [[nodiscard]] bool pays_recorded_fee(const Outputs& outputs) const;
  void signed_psbt(const util::Result<util::SharedText>& text);
  void wait(const std::string& what);

  context::Calls calls_;
  const ledger::Book& book_;
  std::shared_ptr<ledger::Ledger> ledger_;
  bitcoin::TxOutput output_;  ///< the one of the abort's transaction
  std::uint32_t depth_ = 0;
  std::uint32_t height_ = 0;
  Done done_;
};

}  // namespace rivals
