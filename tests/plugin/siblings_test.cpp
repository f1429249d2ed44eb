#include "plugin/siblings.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace plugin::test {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

/// A proc file system in a directory of its own, with lightningd as process 100 and ourselves as 101.
class FakeProc {
 public:
  FakeProc() {
    std::string pattern = (fs::temp_directory_path() / "fake-proc-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root = pattern;
    fs::create_directory(root / "self");
    add(100, 1, "/usr/bin/lightningd", "/usr/bin/lightningd\0--regtest\0"sv);
    add(101, 100, "/opt/multifundchannel", "/opt/multifundchannel\0"sv);
  }
  ~FakeProc() { fs::remove_all(root); }
  FakeProc(const FakeProc&) = delete;
  FakeProc& operator=(const FakeProc&) = delete;

  void add(int id, int parent, const fs::path& executable, std::string_view arguments,
           const std::string& name = "name") const {
    const auto process = root / std::to_string(id);
    fs::create_directory(process);
    std::ofstream(process / "stat") << id << " (" << name << ") S " << parent << " 100 0\n";
    std::ofstream(process / "cmdline").write(arguments.data(), static_cast<std::streamsize>(arguments.size()));
    if (!executable.empty()) fs::create_symlink(executable, process / "exe");
  }
  /// Another builtin plugin, which shows that process 100 is a lightningd.
  void add_bcli() const { add(102, 100, "/usr/libexec/c-lightning/plugins/bcli", "bcli\0"sv); }

  [[nodiscard]] bool spenderp() const { return spenderp_runs(root, 100); }

  fs::path root;
};

}  // namespace

TEST_CASE("spenderp beside us is seen") {
  const FakeProc proc;
  proc.add_bcli();
  SUBCASE("by its executable") { proc.add(103, 100, "/usr/libexec/c-lightning/plugins/spenderp", "renamed\0"sv); }
  SUBCASE("by its name, when the link cannot be read") { proc.add(103, 100, "", "/plugins/spenderp\0--developer\0"sv); }
  SUBCASE("under valgrind") { proc.add(103, 100, "/usr/bin/memcheck", "valgrind\0-q\0/plugins/spenderp\0"sv); }
  SUBCASE("after an upgrade replaced it") { proc.add(103, 100, "/plugins/spenderp (deleted)", ""sv); }
  SUBCASE("with a process name that looks like the end of the name field") {
    proc.add(103, 100, "/plugins/spenderp", ""sv, "odd) S 7 (");
  }
  CHECK(proc.spenderp());
}

TEST_CASE("a lightningd without spenderp is recognised") {
  const FakeProc proc;
  proc.add_bcli();
  proc.add(103, 1, "/other/spenderp", "spenderp\0"sv);             // of another lightningd
  proc.add(104, 100, "/usr/bin/spenderp-old", "my-spenderp\0"sv);  // only looks alike
  CHECK_FALSE(proc.spenderp());
}

TEST_CASE("a process that ends while it is looked at is passed over") {
  const FakeProc proc;
  proc.add_bcli();
  proc.add(103, 100, "", ""sv);
  for (const auto* name : {"stat", "cmdline"}) {
    fs::remove(proc.root / "103" / name);
    fs::create_directory(proc.root / "103" / name);  // opens, and cannot be read: as /proc does then
  }
  CHECK_FALSE(proc.spenderp());
}

TEST_CASE("when it cannot be known, spenderp is assumed to run") {
  const FakeProc proc;
  SUBCASE("no proc file system") { CHECK(spenderp_runs(proc.root / "missing", 100)); }
  SUBCASE("processes are hidden from us") { CHECK(spenderp_runs(proc.root, 999)); }
  SUBCASE("our parent is a wrapper: no builtin plugin is beside us") { CHECK(proc.spenderp()); }
  SUBCASE("no stat to read") {
    proc.add_bcli();
    fs::remove(proc.root / "102" / "stat");
    CHECK(proc.spenderp());
  }
}

TEST_CASE("the real /proc answers without harm") { CHECK(spenderp_runs()); }

}  // namespace plugin::test
