#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>

#include "pair.hpp"

namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE_FIXTURE(LoopBench, "a file is written whole, in the background, and replaces what was there") {
  const auto path = directory + "/trace.json";
  std::ofstream(path) << "what was there";
  const auto text = pattern(3'000'000);
  std::optional<util::Result<void>> written;
  loop.write_file(path, text, [this, &written](util::Result<void> result) {
    written = std::move(result);
    loop.stop();
  });
  CHECK_FALSE(written);
  run();
  REQUIRE(written);
  CHECK(written->ok());
  CHECK((contents(path) == text));
  CHECK(::access((path + ".part").c_str(), F_OK) != 0);
}

TEST_CASE_FIXTURE(LoopBench, "a file is its owner's alone, whatever the umask") {
  const auto path = directory + "/trace.json";
  const auto before = ::umask(0);
  loop.write_file(path, "text", [this](const util::Result<void>& written) {
    CHECK(written.ok());
    loop.stop();
  });
  run();
  ::umask(before);
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0600);
}

TEST_CASE_FIXTURE(LoopBench, "what others have put in the place of a new file is neither followed nor removed") {
  const auto path = directory + "/trace.json";
  const auto precious = directory + "/precious";
  std::ofstream(precious) << "precious";
  const auto write = [this, &path] {
    std::string message;
    loop.write_file(path, "text", [this, &message](const util::Result<void>& written) {
      message = written ? "written" : written.error().message;
      loop.stop();
    });
    run();
    return message;
  };
  REQUIRE(::symlink(precious.c_str(), (path + ".part").c_str()) == 0);
  CHECK(write() == "cannot write " + path + ": File exists");
  CHECK(contents(precious) == "precious");
  struct stat link {};
  CHECK(::lstat((path + ".part").c_str(), &link) == 0);
  CHECK(::unlink((path + ".part").c_str()) == 0);

  // In the place of the file itself: the link is replaced, not what it points to.
  REQUIRE(::symlink(precious.c_str(), path.c_str()) == 0);
  CHECK(write() == "written");
  CHECK(contents(precious) == "precious");
  CHECK(contents(path) == "text");
}

TEST_CASE_FIXTURE(LoopBench, "a file that cannot be written is an error with the reason") {
  std::string message;
  loop.write_file(directory + "/missing/trace.json", "text", [this, &message](const util::Result<void>& result) {
    message = result ? "" : result.error().message;
    loop.stop();
  });
  run();
  CHECK(message == "cannot write " + directory + "/missing/trace.json: No such file or directory");
}

TEST_CASE_FIXTURE(LoopBench, "of a file that the disk has no room for nothing is left, and what was there stays") {
  const auto path = directory + "/trace.json";
  std::ofstream(path) << "what was there";
  std::size_t size = 0;
  SUBCASE("it shows while it is written") { size = 3'000'000; }
  SUBCASE("it shows only when it is closed") { size = 1'000; }
  // A limit for the process stands for a full disk: the error is another one, and the way is the same.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string message;
  loop.write_file(path, pattern(size), [this, &message](const util::Result<void>& result) {
    message = result ? "" : result.error().message;
    loop.stop();
  });
  run();
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(message == "cannot write " + path + ": File too large");
  CHECK(contents(path) == "what was there");
  CHECK(::access((path + ".part").c_str(), F_OK) != 0);
}

TEST_CASE("what was to be written when the loop ended is written before it is gone") {
  const auto path = std::string("/tmp/multifundchannel-write-file-test.") + std::to_string(::getpid());
  {
    loop::Loop loop;
    loop.write_file(path, "text", [](const util::Result<void>&) { FAIL("no callback after the end"); });
  }
  CHECK(contents(path) == "text");
  ::unlink(path.c_str());
}

TEST_CASE_FIXTURE(LoopBench, "directories that can be written in, and what cannot") {
  CHECK(loop.can_write_in(directory).ok());
  CHECK(loop.can_write_in(directory + "/missing").error().message ==
        "cannot write in " + directory + "/missing: No such file or directory");
  CHECK(loop.can_write_in("/dev/null").error().message == "cannot write in /dev/null: Not a directory");
  CHECK(loop.can_write_in(directory + std::string("\0/missing", 9)).error().message ==
        "cannot write in a directory with a NUL in its name");
  if (::getuid() == 0) return;  // root may write anywhere
  const auto closed = directory + "/closed";
  REQUIRE(::mkdir(closed.c_str(), 0500) == 0);
  CHECK(loop.can_write_in(closed).error().message == "cannot write in " + closed + ": Permission denied");
}
