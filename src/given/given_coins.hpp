#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bitcoin/transaction.hpp"
#include "context/calls.hpp"
#include "lightningd/client.hpp"
#include "psbt/psbt.hpp"
#include "spark/scope.hpp"
#include "util/result.hpp"
#include "wallet/proposal.hpp"

namespace given {

/// The coins of a user's PSBT, which pay for a batch in place of the wallet's. They are not ours: nothing of them is
/// reserved. Owned by a batch's Funding, and runs in the batch's scope.
class GivenCoins {
 public:
  /// `psbt` outlives it.
  GivenCoins(context::Calls calls, const psbt::Psbt& psbt);
  GivenCoins(const GivenCoins&) = delete;
  GivenCoins& operator=(const GivenCoins&) = delete;

  /// Looks whether each coin is unspent, holds what the PSBT says, and is not the wallet's own, and whether bitcoind
  /// would take the transaction soon. `now` is Unix time. Errors: -32602 for the first that is otherwise, and
  /// lightningd's when it does not tell.
  void check(std::int64_t now, lightningd::Reply<void> then);
  /// What Asking proposes of the wallet's coins: all of these, and the rest as change, whatever the PSBT says of the
  /// change's amount. Errors: 301 when they do not suffice, -32602 when much would be left and there is no change.
  [[nodiscard]] util::Result<wallet::Proposal> propose(bitcoin::Perkw feerate, const wallet::Payees& payees) const;

 private:
  using Outputs = std::vector<lightningd::WalletOutput>;

  void look(std::size_t index, spark::Completion completion);
  void look_for_ours(spark::Completion completion);
  void look_at_height(std::int64_t now, spark::Completion completion);
  void not_told(const char* method, const util::Error& error);
  void refuse(std::size_t index, const std::string& what);
  [[nodiscard]] util::Result<lightningd::Funded> fund(const lightningd::FundParams& params,
                                                      bitcoin::Perkw feerate) const;
  [[nodiscard]] bitcoin::Sat dust() const;
  [[nodiscard]] util::Result<void> check_rest(const wallet::Proposal& proposal) const;

  context::Calls calls_;
  const psbt::Psbt& psbt_;
  bitcoin::Sat sum_;
  std::uint64_t weight_ = 0;         ///< of the inputs, signed
  std::uint64_t change_weight_ = 0;  ///< 0: no output for it
  std::size_t refused_ = 0;          ///< the input that `refusal_` is about
  std::optional<util::Error> refusal_;
};

}  // namespace given
