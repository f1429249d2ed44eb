#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "bumps/bump_report.hpp"
#include "chain/chain_look.hpp"
#include "kept/kept_text.hpp"

namespace bumps {

/// The output of a bump that cannot confirm, reserved in the wallet.
struct HeldOutput {
  bitcoin::Txid bump;
  std::uint32_t reserved_to_block = 0;  ///< by us, as it was announced or answered
};

/// The latest bump of one transaction.
struct Bump {
  BumpReport shown;
  bitcoin::Outpoint spends;               ///< the change of the transaction that it pays for
  bitcoin::Sat most_fee{};                ///< of this and of those before
  std::uint32_t reserved_to_block = 0;    ///< of the change, by us, before sendpsbt was asked; 0: not any more
  std::uint32_t sent_blocks = 0;          ///< what sendpsbt may have added to that
  std::vector<bitcoin::Txid> replaced{};  ///< the bumps before
  /// The block that has the transaction, or another one that spends an input of it; 0: there is none.
  std::uint32_t decided_at = 0;
  std::vector<HeldOutput> held{};

  /// Whether it is this bump, or one that it has replaced.
  [[nodiscard]] bool includes(const bitcoin::Txid& txid) const;
  /// Whether the change is reserved to this height by us alone. lightningd adds up what several users reserve.
  [[nodiscard]] bool explains(std::uint32_t reserved_to) const;
  /// Whether the output of this one of them is reserved to this height by us alone. After a crash the record may lack a
  /// block that came in between.
  [[nodiscard]] bool holds(const bitcoin::Txid& txid, std::uint32_t reserved_to) const;
  /// The block that has what spends the change, as far as the wallet has recorded that; 0: there is none.
  [[nodiscard]] std::uint32_t spent_at(const std::vector<chain::WalletTransaction>& recorded) const;
  /// Whether the wallet has recorded any of them: then it has the output of that.
  [[nodiscard]] bool is_recorded(const std::vector<chain::WalletTransaction>& recorded) const;
  /// It and those before, but for the one that spends the change in a block.
  [[nodiscard]] std::vector<bitcoin::Txid> all_but_spender(const std::vector<chain::WalletTransaction>& recorded) const;
  /// Of it and of those before: which cannot confirm, as the wallet has recorded the chain.
  [[nodiscard]] std::vector<bitcoin::Txid> dead(const std::vector<chain::WalletTransaction>& recorded) const;
};

/// Whether the wallet has recorded that it is in a block.
[[nodiscard]] bool is_in_block(const bitcoin::Txid& txid, const std::vector<chain::WalletTransaction>& recorded);

/// As JSON text, and back. Errors (-1): not what we write.
[[nodiscard]] std::string write_bumps(const std::deque<Bump>& bumps);
[[nodiscard]] util::Result<std::deque<Bump>> read_bumps(std::string_view text);

/// The bumps of transactions as long as any of them may confirm, in one record of lightningd's datastore: what a later
/// bump has to outbid, and what listmultifundchannels shows. Nothing is ever signed by it. Owned by the Bumping.
class Bumps {
 public:
  Bumps(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings,
        journal::SealSource& seals);
  Bumps(const Bumps&) = delete;
  Bumps& operator=(const Bumps&) = delete;

  /// Call once. Tries until it has read them.
  void read();
  /// Whether it has.
  [[nodiscard]] bool known() const { return kept_.known(); }

  [[nodiscard]] const std::deque<Bump>& all() const { return bumps_; }
  /// The one of this transaction; nullptr when there is none.
  [[nodiscard]] const Bump* of(const bitcoin::Txid& parent) const;
  /// In the place of the one of the same transaction; what the chain has decided, and what is held, stays. `then` comes
  /// when it is on disk, or why it is not. Error (-1): there are a hundred whose transaction is in no block.
  void put(Bump bump, lightningd::Reply<void> then);
  void remove(const bitcoin::Txid& parent);
  /// Notes that the output of one of the transaction's bumps is about to be reserved, or has been. `then` as above.
  void hold(const bitcoin::Txid& parent, const HeldOutput& output, lightningd::Reply<void> then);
  /// It is not reserved by us, or not any more.
  void let_go(const bitcoin::Txid& parent, const bitcoin::Txid& bump);
  /// The transaction's change is not reserved by us any more.
  void change_freed(const bitcoin::Txid& parent);
  /// What the wallet has recorded: which transactions have confirmed, or cannot confirm any more, and that a bump that
  /// was in doubt is sent.
  void compare(const std::vector<chain::WalletTransaction>& recorded);

 private:
  [[nodiscard]] Bump* find(const bitcoin::Txid& parent);

  kept::KeptText kept_;
  std::deque<Bump> bumps_;  ///< in the order in which they came
};

}  // namespace bumps
