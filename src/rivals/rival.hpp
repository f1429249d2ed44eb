#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "chain/chain_look.hpp"
#include "chain/depth.hpp"
#include "ledger/ledger.hpp"

namespace rivals {

/// A transaction in a block that spends an input of a batch's transaction. Once it is deep enough, the batch's own
/// transaction never confirms, whoever has it.
struct Rival {
  bitcoin::Txid txid;
  std::uint32_t depth = 0;

  [[nodiscard]] bool is_final() const { return depth >= chain::deep_enough; }
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
