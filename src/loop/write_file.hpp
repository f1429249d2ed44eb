#pragma once

#include <memory>
#include <string>

#include "loop/engine.hpp"
#include "util/function.hpp"
#include "util/result.hpp"

namespace loop {

/// util::Files::can_write_in and write_file. Files are written by a thread of libuv's pool, so that a slow
/// disk holds up nobody; the end of the loop waits for it.
[[nodiscard]] util::Result<void> can_write_in(const std::string& directory);
void write_file(const std::shared_ptr<Engine>& engine, const std::string& path, std::string text,
                util::Function<void(util::Result<void>)> done);

}  // namespace loop
