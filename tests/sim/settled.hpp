#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/node.hpp"
#include "sim/outcome.hpp"

namespace sim {

/// Everything that breaks an invariant of the design, when all that could happen has happened: what the
/// monitor saw, what is left on the node, and what the callers were told. `listed` is the answer to
/// listmultifundchannels where the plugin has that command; without it nobody settles what a failed send
/// leaves, so that is let pass.
[[nodiscard]] std::vector<std::string> broken_invariants(Node& node, const std::vector<std::shared_ptr<Outcome>>& calls,
                                                         const std::optional<Outcome>& listed);

}  // namespace sim
