#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bump/ancestry.hpp"
#include "bumps/bumps.hpp"
#include "context/calls.hpp"
#include "funding/fee_bounds.hpp"
#include "funding/package.hpp"
#include "lightningd/client.hpp"
#include "psbt/psbt.hpp"
#include "request/fee_cap.hpp"

namespace bump {

/// What a bump would send: a child that spends the change of the transaction back to the wallet.
struct BumpTransaction {
  bitcoin::Txid txid;
  bitcoin::Outpoint spends;
  util::SharedText psbt;  ///< unsigned and stripped, base64
  bitcoin::Sat fee;
  bitcoin::Sat returned;     ///< to the wallet
  funding::Package package;  ///< with the child, over all unconfirmed ancestors
  /// Of the change, by the bump before; 0: it is not reserved.
  std::uint32_t reserved_to_block = 0;
  std::uint32_t height = 0;                 ///< of the chain now
  std::optional<bitcoin::Txid> replaces{};  ///< the bump in the mempool
};

/// Works out the child that pays for a transaction in the mempool, and changes nothing. Goes by what the wallet has
/// recorded, and by bitcoind for whether the transaction is in its mempool. One for each command; runs in the scope of
/// its calls.
class BumpOffer {
 public:
  struct Wish {
    bitcoin::Txid parent;
    std::string feerate;  ///< in lightningd's notations
    request::FeeCap cap;  ///< of the child
  };

  BumpOffer(context::Calls calls, const bumps::Bumps& bumps, Wish wish)
      : calls_(std::move(calls)), bumps_(bumps), wish_(std::move(wish)) {}
  BumpOffer(const BumpOffer&) = delete;
  BumpOffer& operator=(const BumpOffer&) = delete;

  /// Call once. `then` comes from a reply. Errors: those of parsefeerate and utxopsbt; -32602 for a transaction that
  /// the wallet has not recorded, a feerate that is paid already, that cannot replace the bump before or that bitcoind
  /// would refuse, and for a fee above the cap; and -1 where there is nothing to pay with, or the node is catching up.
  void ask(lightningd::Reply<BumpTransaction> then);

 private:
  using Outputs = std::vector<lightningd::WalletOutput>;

  void look_at_node();
  void look_at_blocks();
  void ask_floor();
  void look_at_transactions();
  void look_at_coins(const Ancestry::Transactions& transactions);
  void judge(const Ancestry& ancestry, const Outputs& outputs);
  [[nodiscard]] const lightningd::WalletOutput* find_change(const Outputs& outputs) const;
  [[nodiscard]] std::optional<std::string> why_taken(const Ancestry& ancestry, const Outputs& outputs) const;
  void look_at_mempool(const funding::Package& ancestors);
  void look_at_bumps(const funding::Package& ancestors);
  [[nodiscard]] bool is_decided() const;
  void price(const funding::Package& ancestors);
  [[nodiscard]] std::string figures() const;
  void quote();
  void quoted(const lightningd::Funded& funded);
  void fail(const util::Error& error);
  void refuse_feerate(const std::string& why);

  context::Calls calls_;
  const bumps::Bumps& bumps_;
  const Wish wish_;
  lightningd::Reply<BumpTransaction> then_;
  bitcoin::Perkw feerate_;
  funding::FeeBounds bounds_;
  lightningd::WalletOutput change_;
  std::optional<bumps::Bump> before_;        ///< as it was when the wallet was looked at
  std::vector<bitcoin::Txid> bumps_before_;  ///< which may be in the mempool; the latest is the last
  std::uint64_t weight_ = 0;                 ///< of the child
  BumpTransaction found_;
};

}  // namespace bump
