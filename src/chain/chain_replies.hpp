#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bitcoin/ids.hpp"
#include "bitcoin/transaction.hpp"
#include "chain/chain_look.hpp"
#include "json/value.hpp"
#include "util/result.hpp"

/// The `result` of each call of a ChainLook as a value. Errors name the path of what was wrong.
namespace chain::replies {

/// Of getutxout: nothing when there is no such output.
[[nodiscard]] util::Result<std::optional<bitcoin::TxOutput>> output(const json::Value& result);
/// Likewise, whatever else the backend says of it.
[[nodiscard]] util::Result<bool> is_output(const json::Value& result);
/// Of getchaininfo: how many there are.
[[nodiscard]] util::Result<std::uint32_t> blocks(const json::Value& result);
// Of listtransactions, as much as its filter has left.
[[nodiscard]] util::Result<std::vector<bitcoin::Txid>> txids(const json::Value& result);
[[nodiscard]] util::Result<std::vector<WalletTransaction>> transactions(const json::Value& result);
[[nodiscard]] util::Result<std::vector<RecordedTransaction>> recorded(const json::Value& result);

}  // namespace chain::replies
