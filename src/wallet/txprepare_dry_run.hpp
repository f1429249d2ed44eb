#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "context/calls.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"
#include "wallet/proposal.hpp"

namespace wallet {

/// The dry run as an operator can audit it: lightningd's txprepare makes a transaction that pays each
/// destination's amount to a placeholder, an address of our own wallet whose script is as long as that of a
/// channel: who sends it by mistake loses a fee. Its inputs are then handed over without ever being free:
///
///   fundpsbt or utxopsbt, reserving nothing  -> which coins, and every error there is
///   txprepare with these                     -> reserved for 72 blocks, which nobody can choose
///   reserveinputs                            -> ours added
///   txdiscard                                -> its 72 taken away
///   utxopsbt, reserving nothing              -> what fundpsbt would have answered
///
/// txprepare alone would choose wrapped inputs and forget the emergency reserve, and it leaves its reservation
/// behind when it cannot pay `all`: hence the first step. Nothing is ever sent with txsend.
///
/// The journal has the inputs and the height before txprepare is asked, and the txid before anything else is, so
/// that whatever of this a crash or a lost answer leaves is known to be ours. Owned by the Asking, or by the Holding
/// that discards what is left, and runs in their scope.
class TxprepareDryRun {
 public:
  /// Writes the ledger to the journal.
  using Save = util::Function<void(lightningd::Reply<void>)>;

  TxprepareDryRun(context::Calls calls, ledger::Book& book, std::shared_ptr<ledger::Ledger> ledger)
      : calls_(std::move(calls)), book_(book), ledger_(std::move(ledger)) {}
  TxprepareDryRun(const TxprepareDryRun&) = delete;
  TxprepareDryRun& operator=(const TxprepareDryRun&) = delete;

  struct Wanted {
    lightningd::FundParams fund;
    Choice choice;
    std::size_t count = 0;              ///< of placeholders
    std::vector<bitcoin::Sat> amounts;  ///< of those that are fixed; the others share the rest
  };

  /// Call once. As fundpsbt or utxopsbt answer, with the inputs reserved by us alone for `first_reservation`
  /// blocks; the ledger says so, or what there is to be undone.
  void run(Wanted wanted, Save save, lightningd::Reply<lightningd::Funded> then);

  /// Before the inputs are released: discards the transaction when it is known, and all of its inputs still are
  /// reserved by it. Later a txdiscard would shorten another program's reservation.
  void discard_what_is_left(util::Function<void()> then);

 private:
  using Reservations = std::vector<lightningd::Reservation>;
  using Heights = std::map<bitcoin::Outpoint, std::uint32_t>;
  using Outputs = std::vector<lightningd::WalletOutput>;

  void choose();
  void chosen(const util::Result<lightningd::Funded>& answer);
  [[nodiscard]] bool is_enough(bitcoin::Sat excess) const;
  void ask_address();
  void ask_height();
  void announce(std::uint32_t height);
  void prepare();
  void prepared(const util::Result<bitcoin::Txid>& answer);
  void ask_latest();
  void keep();
  void kept(const util::Result<Reservations>& answer);
  void look_again();
  void give_back(const std::vector<bitcoin::Outpoint>& taken);
  void discard();
  void propose();
  void finish(util::Result<lightningd::Funded> result);

  void discard_these(const bitcoin::Txid& txid, const Outputs& outputs, util::Function<void()> then);

  context::Calls calls_;
  ledger::Book& book_;
  const std::shared_ptr<ledger::Ledger> ledger_;
  Wanted wanted_;
  Save save_;
  int attempts_ = 0;
  std::vector<bitcoin::Outpoint> inputs_;
  std::string address_;
  Heights heights_;  ///< to which the inputs are reserved by us, without txprepare's part
  lightningd::Reply<lightningd::Funded> then_;
};

}  // namespace wallet
