#pragma once

#include "ledger/ledger.hpp"
#include "util/result.hpp"

namespace journal {

/// Whether a ledger that was read from a record can be one that a batch has left. A record is written by us alone,
/// and what follows from it may be signed: so whatever contradicts itself is not acted on. Errors (-1) say what.
[[nodiscard]] util::Result<void> check_record(const ledger::Ledger& ledger);

}  // namespace journal
