#include "ledger/prepared_record.hpp"

namespace ledger {

bool PreparedRecord::includes(std::uint32_t reserved_to_block) const {
  const auto since = [this, reserved_to_block](std::uint32_t more) {
    return reserved_to_block >= height + more && reserved_to_block <= latest + more;
  };
  return asked && (since(blocks) || (txid && since(blocks + kept)));
}

bool PreparedRecord::explains(std::uint32_t reserved_to_block) const {
  const bool kept_alone = reserved_to_block >= height + kept && reserved_to_block <= latest + kept;
  return includes(reserved_to_block) || (txid && kept_alone);
}

}  // namespace ledger
