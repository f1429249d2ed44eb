#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/monitor.hpp"

namespace sim {

/// One way in which the plugin can be made wrong, and the invariant that this breaks. Where it takes effect says a
/// patch in tests/sim/mutations, which is applied to a copy of a source.
struct Mutation {
  std::string_view name;
  Invariant invariant;
  bool quick = false;       ///< caught within the first few hundred seeds, or by the one that is known
  std::uint64_t known = 0;  ///< a seed that caught it once, and is tried first; 0: none is needed
};

[[nodiscard]] const std::vector<Mutation>& mutations();

/// One that no invariant tells, because it makes an answer wrong, or because another guard is left: it must fail this
/// test case.
struct TestedMutation {
  std::string_view name;
  std::string_view test;
};

[[nodiscard]] const std::vector<TestedMutation>& tested_mutations();

/// From now on the plugin is wrong in this way; "": in none.
void mutate(std::string_view name);

}  // namespace sim
