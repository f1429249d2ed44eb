#pragma once

#include <cstdint>
#include <optional>

#include "bitcoin/ids.hpp"

namespace ledger {

/// A transaction of lightningd's txprepare that reserves our inputs, until they are handed over to us.
struct PreparedRecord {
  static constexpr std::uint32_t blocks = 72;  ///< that txprepare reserves

  std::uint32_t height = 0;           ///< before it was asked for
  std::uint32_t latest = 0;           ///< at most, when it was carried out: a block more until that is known
  std::uint32_t kept = 0;             ///< blocks that we add before it is discarded; not near to 72
  std::optional<bitcoin::Txid> txid;  ///< once it has answered; nothing was added or discarded before
  bool asked = true;                  ///< false: it was announced in the journal, and is not sent yet

  /// Whether an input that is reserved to this height is so by txprepare, and perhaps by us.
  [[nodiscard]] bool includes(std::uint32_t reserved_to_block) const;
  /// Likewise, or by us alone, after the transaction was discarded.
  [[nodiscard]] bool explains(std::uint32_t reserved_to_block) const;
};

}  // namespace ledger
