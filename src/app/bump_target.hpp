#pragma once

#include <optional>
#include <string>

#include "bump/bumping.hpp"
#include "labels/labels.hpp"
#include "left/left_batches.hpp"

namespace app {

/// The transaction that a caller means who names a batch by its id, by its label, or by its transaction's id. Errors
/// (-32602): nobody knows it, the batch is not opened, or it is being aborted.
[[nodiscard]] util::Result<bump::Bumping::Target> bump_target(const std::string& text, const left::LeftBatches& left,
                                                              const labels::Labels& labels);

/// Why the transaction of a batch is not bumped any more: it is being aborted. Nothing: it may be, for all that is
/// known.
[[nodiscard]] std::optional<util::Error> why_not_bumped(const std::string& batch, const left::LeftBatches& left);

}  // namespace app
