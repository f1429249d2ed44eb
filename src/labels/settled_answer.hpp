#pragma once

#include <string>

#include "report/batch_report.hpp"

namespace labels {

/// The answer to the call of a batch that was opened after its command had ended, in doubt or by a crash: JSON text,
/// with `txid`, `channel_ids`, `failed` and `batch`. What only the command knew is not in it: `tx` and `channel_type`.
[[nodiscard]] std::string settled_answer(const report::BatchReport& report);

}  // namespace labels
