#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "chain/chain_look.hpp"
#include "ledger/ledger.hpp"

namespace rivals {

/// A transaction in a block that spends an input of a batch's transaction. So deep in the chain it is taken to be
/// there for good, as lightningd and its peers do with a channel of usual size: the batch's own transaction never
/// confirms, whoever has it.
struct Rival {
  static constexpr std::uint32_t deep_enough = 6;

  bitcoin::Txid txid;
  std::uint32_t depth = 0;

  [[nodiscard]] bool is_final() const { return depth >= deep_enough; }
};

/// The deepest one that the wallet has recorded.
[[nodiscard]] std::optional<Rival> find_rival(const ledger::FundingPlan& plan,
                                              const std::vector<chain::WalletTransaction>& transactions,
                                              std::uint32_t height);

/// How deep the batch's own transaction is; 0 when it is in no block.
[[nodiscard]] std::uint32_t depth_of_own(const ledger::FundingPlan& plan,
                                         const std::vector<chain::WalletTransaction>& transactions,
                                         std::uint32_t height);

}  // namespace rivals
