#pragma once

#include <cstdint>
#include <string>

#include "ledger/ledger.hpp"
#include "report/timeline.hpp"
#include "util/files.hpp"

namespace report {

/// The timeline of a batch in Chrome's trace-event format, for Perfetto or contrib/timeline: a row for the
/// batch with its phases, one for what concerns the node alone, and one for each peer, in the order of the
/// request. `begun` is Unix time in seconds.
[[nodiscard]] std::string trace_json(const Timeline& timeline, const std::string& batch, std::int64_t begun);

/// The same into a file of its own in the directory, which is there. What goes wrong is logged.
void write_trace(util::Files& files, const std::string& directory, const Timeline& timeline,
                 const ledger::Ledger& batch);

}  // namespace report
