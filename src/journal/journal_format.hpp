#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/ledger.hpp"
#include "util/result.hpp"

namespace journal {

/// Of the records that are written now; the first had no mac (RecordSeal).
inline constexpr std::uint64_t format_version = 2;

/// The ledger as JSON text, which a RecordSeal makes a record for lightningd's datastore, so that a batch can be
/// settled after a crash. Holds ids, amounts, outpoints, scripts and the unsigned transaction; nothing that could spend
/// a coin.
[[nodiscard]] std::string write_ledger(const ledger::Ledger& ledger);

/// Reverses write_ledger(). What was in flight when it was written is in doubt now: every opening counts as possibly
/// made. Errors (-1): not what we write, to the last character; it must not be acted on.
[[nodiscard]] util::Result<std::shared_ptr<ledger::Ledger>> read_ledger(std::string_view text);

}  // namespace journal
