#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "bumps/bumps.hpp"
#include "context/calls.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace bumps {

/// Tidies up what bumps leave in the wallet. lightningd keeps the output of one that was replaced, as unconfirmed, and
/// may pay for an anchor with it, since it does not look at confirmations there (v26.06.6, wallet_utxo_boost): no node
/// takes such a transaction. So the outputs of bumps that are in neither mempool nor chain are reserved, and freed when
/// one of them is in a block after all. They are reserved for good, as is the change of a transaction that never
/// confirms, when a block proves that they are dead, and is six blocks deep: then the record goes. Where nothing proves
/// it, since the transaction has confirmed and all bumps have dropped out, the change is freed, and the record stays:
/// they may come back as long as nothing spends the change.
///
/// Owned by the Bumping.
class Leftovers {
 public:
  Leftovers(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings, Bumps& bumps)
      : client_(std::move(client)), settings_(settings), bumps_(bumps), scope_(runtime, nullptr) {}
  Leftovers(const Leftovers&) = delete;
  Leftovers& operator=(const Leftovers&) = delete;

  /// lightningd has seen this block. What fails is tried again at the next look.
  void block_added(std::uint32_t height);
  /// A bump was sent.
  void look();
  /// At the end of the process.
  void leave() { scope_.end(); }

 private:
  using Outputs = std::vector<lightningd::WalletOutput>;
  using Recorded = std::vector<chain::WalletTransaction>;
  using Reservations = std::vector<lightningd::Reservation>;
  /// What six blocks have decided of the transaction, and of the change that its bumps spend.
  enum class Fate {
    open,     ///< nothing yet
    lost,     ///< the transaction never confirms
    spent,    ///< the change is: by one of the bumps, or by something else that the wallet has recorded
    settled,  ///< the transaction is in the chain, and nothing there that the wallet has recorded spends the change
  };
  /// One after the other; each ends with next().
  using Step = util::Function<void()>;

  void look_at_transactions();
  void look_at_coins(const Recorded& recorded);
  [[nodiscard]] bool is_deep(std::uint32_t block) const;
  [[nodiscard]] Fate fate_of(const Bump& bump, const Recorded& recorded) const;
  void plan(const Bump& bump, const Recorded& recorded, const Outputs& outputs);
  void plan_end(const Bump& bump, const Recorded& recorded, const Outputs& outputs, Fate fate);
  void next();
  void failed();
  void hold(const bitcoin::Txid& parent, const bitcoin::Txid& bump);
  void reserve(const bitcoin::Outpoint& output, std::uint32_t blocks, bool exclusive,
               lightningd::Reply<Reservations> then);
  void free(const bitcoin::Outpoint& output, std::uint32_t blocks, util::Function<void()> then);
  void reserve_for_good(const bitcoin::Outpoint& output);
  void free_change(const bitcoin::Outpoint& change, std::uint32_t blocks);
  void if_absent(const bitcoin::Outpoint& output, util::Function<void()> then);
  void end_record(const bitcoin::Txid& parent);
  [[nodiscard]] context::Calls calls() { return {scope_, client_, settings_}; }

  lightningd::Client client_;
  const context::Settings& settings_;
  Bumps& bumps_;
  std::uint32_t told_height_ = 0;  ///< with the last block; 0: there was none yet
  std::uint32_t height_ = 0;       ///< at the beginning of the look
  std::deque<Step> steps_;
  bool looking_ = false;
  bool again_ = false;   ///< another look is due
  bool failed_ = false;  ///< something that the present bump's record is needed for
  spark::Scope scope_;   // last, so that it ends first
};

}  // namespace bumps
