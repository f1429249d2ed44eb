#pragma once

#include <memory>
#include <utility>

#include "spark/runtime.hpp"
#include "util/transport.hpp"

namespace sim {

/// Two ends of one byte stream in memory. What is sent at one end arrives at the other from the ready
/// queue; destroying one closes the other. The runtime must outlive both.
[[nodiscard]] std::pair<std::unique_ptr<util::Transport>, std::unique_ptr<util::Transport>> make_pair(
    spark::Runtime& runtime);

}  // namespace sim
