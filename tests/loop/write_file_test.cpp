#include <sys/stat.h>

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

TEST_CASE_FIXTURE(LoopBench, "a file that can not be written is an error with the reason") {
  std::string message;
  loop.write_file(directory + "/missing/trace.json", "text", [this, &message](const util::Result<void>& result) {
    message = result ? "" : result.error().message;
    loop.stop();
  });
  run();
  CHECK(message == "cannot write " + directory + "/missing/trace.json: No such file or directory");
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

TEST_CASE_FIXTURE(LoopBench, "directories that can be written in, and what can not") {
  CHECK(loop.can_write_in(directory).ok());
  CHECK(loop.can_write_in(directory + "/missing").error().message ==
        "cannot write in " + directory + "/missing: No such file or directory");
  CHECK(loop.can_write_in("/dev/null").error().message == "cannot write in /dev/null: Not a directory");
  if (::getuid() == 0) return;  // root may write anywhere
  const auto closed = directory + "/closed";
  REQUIRE(::mkdir(closed.c_str(), 0500) == 0);
  CHECK(loop.can_write_in(closed).error().message == "cannot write in " + closed + ": Permission denied");
}
