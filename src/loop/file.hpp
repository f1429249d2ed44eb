#pragma once

#include <memory>

#include "loop/engine.hpp"
#include "loop/stream.hpp"

namespace loop {

/// A transport on a regular file or a device such as /dev/null, which cannot be polled and never
/// makes one wait for long: writes at once, reads piece by piece from the ready queue. Owns `fd`.
[[nodiscard]] std::unique_ptr<util::Transport> open_file(std::weak_ptr<Engine> engine, int fd, Use use);

}  // namespace loop
