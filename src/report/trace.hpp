#pragma once

#include <cstdint>
#include <string>

#include "report/timeline.hpp"

namespace report {

/// The timeline of a batch in Chrome's trace-event format, for Perfetto or contrib/timeline: a row for the
/// batch with its phases, one for what concerns the node alone, and one for each peer, in the order of the
/// request. `begun` is Unix time in seconds.
[[nodiscard]] std::string trace_json(const Timeline& timeline, const std::string& batch, std::int64_t begun);

/// What the file is called.
[[nodiscard]] std::string trace_file_name(const std::string& batch);

}  // namespace report
