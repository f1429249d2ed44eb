#pragma once

#include <memory>
#include <string>

#include "loop/engine.hpp"
#include "util/transport.hpp"

namespace loop {

using OnConnected = util::Function<void(util::Result<std::unique_ptr<util::Transport>>)>;

/// Connects to the unix socket at `path`; `done` is called from the ready queue.
void connect(const std::shared_ptr<Engine>& engine, const std::string& path, OnConnected done);

}  // namespace loop
