#pragma once

#include <sys/types.h>

#include <filesystem>

namespace plugin {

/// Whether lightningd's builtin plugin `spenderp`, the owner of the name `multifundchannel`, runs
/// beside us: as a child of the process that started us. lightningd starts its builtin plugins
/// before all others, so at getmanifest time the answer stands. True whenever it cannot be known:
/// registering the name beside spenderp can stop the whole node.
[[nodiscard]] bool spenderp_runs();

/// The same for the children of `parent` as a proc file system at `proc` shows them.
[[nodiscard]] bool spenderp_runs(const std::filesystem::path& proc, pid_t parent);

}  // namespace plugin
