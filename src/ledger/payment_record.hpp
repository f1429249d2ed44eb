#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bitcoin/amounts.hpp"
#include "util/bytes.hpp"

namespace ledger {

/// What a batch's transaction pays beside its channels, as the caller asked for it.
struct PaymentRecord {
  std::string address;
  util::Bytes script;  ///< of the address
  bitcoin::Sat amount;
  std::string label{};                    ///< the caller's; empty when none
  std::optional<std::uint32_t> outnum{};  ///< in the plan's transaction; nothing before there is one
};

}  // namespace ledger
