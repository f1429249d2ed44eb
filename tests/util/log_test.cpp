#include "util/log.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

/// While it lives, what is written to the descriptor goes to a file of its own.
class Captured {
 public:
  explicit Captured(int descriptor) : descriptor_(descriptor), original_(dup(descriptor)) {
    std::fflush(nullptr);
    dup2(fileno(file_.get()), descriptor_);
  }
  ~Captured() {
    std::fflush(nullptr);
    dup2(original_, descriptor_);
    close(original_);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  [[nodiscard]] std::string text() {
    std::fflush(nullptr);
    std::string out(4096, '\0');
    const auto size = pread(fileno(file_.get()), out.data(), out.size(), 0);
    out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return out;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
  int descriptor_;
  int original_;
};

using Lines = std::vector<std::pair<util::Level, std::string>>;

/// Collects what is logged; the sink is taken away again at the end.
struct Collector {
  Collector() {
    util::set_log_sink([this](util::Level level, std::string_view line) { lines.emplace_back(level, line); });
  }
  ~Collector() { util::set_log_sink({}); }
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  Lines lines;
};

}  // namespace

TEST_CASE("log levels have lightningd's names") {
  CHECK(util::level_name(util::Level::debug) == "debug");
  CHECK(util::level_name(util::Level::info) == "info");
  CHECK(util::level_name(util::Level::warn) == "warn");
  CHECK(util::level_name(util::Level::error) == "error");
}

TEST_CASE("without a sink, lines go to standard error and never to standard output") {
  Captured err(STDERR_FILENO);
  Captured out(STDOUT_FILENO);
  util::set_log_sink({});
  util::debug("one");
  util::error("two");
  CHECK(err.text() == "debug: one\nerror: two\n");
  CHECK(out.text().empty());
}

TEST_CASE("a sink gets each line with its level, and nothing goes elsewhere") {
  Captured err(STDERR_FILENO);
  Captured out(STDOUT_FILENO);
  const Collector collector;
  util::debug("a");
  util::info("b", 1);
  util::warn("c", ':', 2);
  util::error("d");
  CHECK(collector.lines == Lines{{util::Level::debug, "a"},
                                 {util::Level::info, "b1"},
                                 {util::Level::warn, "c:2"},
                                 {util::Level::error, "d"}});
  CHECK(err.text().empty());
  CHECK(out.text().empty());
}

TEST_CASE("spdlog's default logger ends in the sink too, not in standard output") {
  Captured out(STDOUT_FILENO);
  const Collector collector;
  spdlog::warn("by the default logger");
  CHECK(collector.lines == Lines{{util::Level::warn, "by the default logger"}});
  CHECK(out.text().empty());
}

TEST_CASE("a line is never taken for a format string") {
  const Collector collector;
  util::info("{} %s {0:>99999999} \0 %n");
  util::log(util::Level::info, std::string_view("a\0b", 3));
  REQUIRE(collector.lines.size() == 2);
  CHECK(collector.lines[0].second == "{} %s {0:>99999999} ");
  CHECK(collector.lines[1].second == std::string_view("a\0b", 3));
}

TEST_CASE("what a sink logs itself goes to standard error, once") {
  Captured err(STDERR_FILENO);
  int calls = 0;
  util::set_log_sink([&calls](util::Level, std::string_view) {
    ++calls;
    util::warn("inner");
  });
  util::info("outer");
  util::info("outer");
  util::set_log_sink({});
  CHECK(calls == 2);
  CHECK(err.text() == "warning: inner\nwarning: inner\n");
}

TEST_CASE("a sink may replace or remove itself while it runs") {
  Captured err(STDERR_FILENO);
  std::string log;
  util::set_log_sink([&log](util::Level, std::string_view line) {
    util::set_log_sink([&log](util::Level, std::string_view next) {
      util::set_log_sink({});
      log += util::str("second ", next, "; ");
    });
    log += util::str("first ", line, "; ");
  });
  util::info("a");
  util::info("b");
  util::info("c");
  CHECK(log == "first a; second b; ");
  CHECK(err.text() == "info: c\n");
}
