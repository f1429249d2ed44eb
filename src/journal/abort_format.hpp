#pragma once

#include "json/value.hpp"
#include "json/writer.hpp"
#include "ledger/ledger.hpp"
#include "util/result.hpp"

namespace journal {

// The part of a record that holds its abort.

/// How an abort names its inputs: a record of before has one, by itself.
enum class AbortForm { list, single };

/// Into an open object.
void write_abort(json::Writer& out, const ledger::AbortRecord& abort, AbortForm form);

/// Into a ledger whose plan has been read; nothing when the record has none. Errors: it does not spend inputs of the
/// batch's transaction, and those alone, into one output.
[[nodiscard]] util::Result<void> read_abort(const json::Value& root, ledger::Ledger& ledger);

}  // namespace journal
