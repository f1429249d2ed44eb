#include "plugin/siblings.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace plugin {
namespace {

namespace fs = std::filesystem;

/// Builtin plugins of every supported version. Seeing one of them proves that we look at the
/// children of lightningd itself and not of a wrapper that started only us.
constexpr std::array<std::string_view, 4> other_builtins = {"bcli", "txprepare", "topology", "keysend"};

/// Of a process that ends meanwhile it is empty. (Through a streambuf's iterator the failure would be thrown.)
std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The parent in proc(5)'s stat line: "pid (name) state ppid ...". The name may hold anything.
pid_t parent_of(const fs::path& process) {
  const std::string stat = read(process / "stat");
  const auto name_end = stat.rfind(") ");
  if (name_end == std::string::npos || name_end + 4 > stat.size()) return -1;
  pid_t parent = -1;
  std::from_chars(stat.data() + name_end + 4, stat.data() + stat.size(), parent);
  return parent;
}

/// The file names of the executable and of all arguments: under valgrind or an interpreter the
/// plugin is an argument of what runs.
std::vector<std::string> names_of(const fs::path& process) {
  std::vector<std::string> names;
  std::error_code error;
  auto executable = fs::read_symlink(process / "exe", error).filename().string();
  // How proc(5) shows a file that was replaced since, by an upgrade for instance.
  if (constexpr std::string_view mark = " (deleted)"; executable.ends_with(mark)) {
    executable.resize(executable.size() - mark.size());
  }
  names.push_back(std::move(executable));

  std::istringstream arguments(read(process / "cmdline"));
  for (std::string argument; std::getline(arguments, argument, '\0');) {
    names.push_back(fs::path(argument).filename().string());
  }
  return names;
}

bool is_process(const fs::path& entry) {
  const auto name = entry.filename().string();
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool spenderp_runs(const fs::path& proc, pid_t parent) {
  bool lightningd_seen = false;
  std::error_code error;
  const auto parents_program = fs::read_symlink(proc / std::to_string(parent) / "exe", error);
  error.clear();
  for (fs::directory_iterator entry(proc, error), end; !error && entry != end; entry.increment(error)) {
    if (!is_process(entry->path()) || parent_of(entry->path()) != parent) continue;
    std::error_code gone;
    const auto program = fs::read_symlink(entry->path() / "exe", gone);
    // A child that still runs the parent's program is about to become a plugin: which one is unknown.
    if (!program.empty() && program == parents_program) return true;
    for (const auto& name : names_of(entry->path())) {
      if (name == "spenderp") return true;
      if (std::find(other_builtins.begin(), other_builtins.end(), name) != other_builtins.end()) lightningd_seen = true;
    }
  }
  return error || !lightningd_seen;
}

bool spenderp_runs() { return spenderp_runs("/proc", getppid()); }

}  // namespace plugin
