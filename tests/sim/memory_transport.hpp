#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "spark/runtime.hpp"
#include "util/transport.hpp"

namespace sim {

/// Two ends of one byte stream in memory. Each message that is sent at one end arrives at the other
/// from the ready queue, one task each; destroying one end closes the other once all has arrived. The
/// runtime must outlive both.
[[nodiscard]] std::pair<std::unique_ptr<util::Transport>, std::unique_ptr<util::Transport>> make_pair(
    spark::Runtime& runtime);

/// What has come to an end of a pair and was not read yet; nothing of another kind of transport.
[[nodiscard]] std::vector<std::string> unread_texts(const util::Transport& end);
/// What is on its way to this end of a pair, in messages.
[[nodiscard]] std::size_t unread(const util::Transport& end);
/// Of that only the first `kept` ever were written: whoever sent the others died before.
void lose_unread(util::Transport& end, std::size_t kept);

}  // namespace sim
