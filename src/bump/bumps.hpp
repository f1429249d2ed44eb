#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "bump/bump_report.hpp"
#include "chain/chain_look.hpp"
#include "kept/kept_text.hpp"

namespace bump {

/// The latest bump of one transaction.
struct Bump {
  BumpReport shown;
  bitcoin::Outpoint spends;               ///< the change of the transaction that it pays for
  bitcoin::Sat most_fee{};                ///< of this and of those before
  std::uint32_t reserved_to_block = 0;    ///< of the change, by us, before sendpsbt was asked
  std::uint32_t sent_blocks = 0;          ///< what sendpsbt may have added to that
  std::vector<bitcoin::Txid> replaced{};  ///< the bumps before

  /// Whether it is this bump, or one that it has replaced.
  [[nodiscard]] bool includes(const bitcoin::Txid& txid) const;
  /// Whether the change is reserved to this height by us alone. lightningd adds up what several users reserve.
  [[nodiscard]] bool explains(std::uint32_t reserved_to) const;
};

/// As JSON text, and back. Errors (-1): not what we write.
[[nodiscard]] std::string write_bumps(const std::deque<Bump>& bumps);
[[nodiscard]] util::Result<std::deque<Bump>> read_bumps(std::string_view text);

/// The bumps of transactions that have not confirmed, in one record of lightningd's datastore: what a later bump has to
/// outbid, and what listmultifundchannels shows. Nothing is ever signed by it. Owned by the Service.
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
  /// In the place of the one of the same transaction. `then` comes when it is on disk, or why it is not. Error (-1):
  /// there are a hundred already.
  void put(Bump bump, lightningd::Reply<void> then);
  void remove(const bitcoin::Txid& parent);
  /// What the wallet has recorded: whose transaction has confirmed, or cannot confirm any more, needs none, and a bump
  /// that was in doubt is sent.
  void compare(const std::vector<chain::WalletTransaction>& recorded);

 private:
  kept::KeptText kept_;
  std::deque<Bump> bumps_;  ///< in the order in which they came
};

}  // namespace bump
