#include "loop/loop.hpp"

#include <csignal>
#include <ctime>
#include <optional>
#include <stdexcept>
#include <vector>

#include "bench.hpp"
#include "util/log.hpp"

using namespace std::chrono_literals;
using Trace = std::vector<std::string>;

namespace {

struct Tasks : LoopBench {
  [[nodiscard]] util::Function<void()> note(std::string text) {
    return [this, text = std::move(text)] { trace.push_back(text); };
  }
  Trace trace;
};

}  // namespace

TEST_CASE_FIXTURE(Tasks, "tasks run in order, never inside post, those of tasks after those before") {
  loop.post([this] {
    loop.post(note("c"));
    loop.post(stop());
    note("a")();
  });
  loop.post(note("b"));
  CHECK(trace.empty());
  run();
  CHECK(trace == Trace{"a", "b", "c"});
}

TEST_CASE_FIXTURE(Tasks, "tasks that post tasks do not keep the loop from timers") {
  bool rang = false;
  util::Function<void()> again;
  again = [this, &again, &rang] {
    if (rang) return loop.stop();
    loop.post([&again] { again(); });
  };
  loop.start_timer(5ms, [&rang] { rang = true; });
  loop.post([&again] { again(); });
  run();
  CHECK(rang);
}

TEST_CASE_FIXTURE(Tasks, "what was posted before stop waits for the next run") {
  loop.post(stop());
  loop.post(note("later"));
  run();
  CHECK(trace.empty());
  loop.post(stop());
  run();
  CHECK(trace == Trace{"later"});
}

TEST_CASE_FIXTURE(Tasks, "a stop before run counts, and run returns when nothing can happen any more") {
  loop.stop();
  loop.post(note("task"));
  loop.run();
  CHECK(trace.empty());
  loop.run();
  CHECK(trace == Trace{"task"});
}

TEST_CASE_FIXTURE(Tasks, "timers run when due, those due together in the order of their start") {
  loop.start_timer(20ms, [this] {
    note("20")();
    loop.stop();
  });
  const auto start = loop.now();
  loop.start_timer(10ms, note("10 first"));
  loop.start_timer(10ms, note("10 second"));
  loop.start_timer(0ms, note("0"));
  CHECK(trace.empty());
  run();
  CHECK(trace == Trace{"0", "10 first", "10 second", "20"});
  CHECK(loop.now() - start >= 20ms);
}

TEST_CASE_FIXTURE(Tasks, "a stopped timer is destroyed and never runs, even when it was due") {
  auto object = std::make_shared<int>();
  const std::weak_ptr<int> watch = object;
  spark::Runtime::TimerId second = 0;
  loop.start_timer(1ms, [this, &second, &watch] {
    loop.stop_timer(second);
    CHECK(watch.expired());
  });
  second = loop.start_timer(1ms, [object = std::move(object)] { FAIL_CHECK("ran"); });
  loop.start_timer(2ms, stop());
  run();
  CHECK(watch.expired());
  loop.stop_timer(second);
}

TEST_CASE_FIXTURE(Tasks, "a timer that starts another at once leaves it to the next turn") {
  util::Function<void()> again;
  again = [this, &again] { loop.start_timer(0ms, [&again] { again(); }); };
  again();
  loop.start_timer(5ms, stop());
  run();
}

TEST_CASE_FIXTURE(Tasks, "the clock goes on while a task runs") {
  loop.post([this] {
    const auto start = loop.now();
    while (loop.now() == start) {
    }
    loop.start_timer(1ms, stop());
  });
  run();
}

TEST_CASE_FIXTURE(Tasks, "waiting takes no processor time") {
  const auto fds = socket_pair();
  Sink sink;
  const auto transport = loop.stdio(fds.first, fds.first);
  transport->start(sink);
  loop.post([] {});
  loop.start_timer(200ms, stop());
  const auto before = std::clock();
  run();
  CHECK(std::clock() - before < CLOCKS_PER_SEC / 10);
  ::close(fds.second);
}

TEST_CASE_FIXTURE(Tasks, "exceptions of tasks, timers and receivers are logged, and the loop goes on") {
  util::set_log_sink([this](util::Level level, std::string_view line) {
    trace.push_back(util::str(util::level_name(level), ' ', line));
  });
  const auto fds = socket_pair();
  Sink sink;
  sink.on_received = [] { throw std::runtime_error("from received"); };
  const auto transport = loop.stdio(fds.first, fds.first);
  transport->start(sink);
  REQUIRE(::write(fds.second, "x", 1) == 1);
  ::close(fds.second);
  sink.on_closed = [this] { loop.start_timer(5ms, stop()); };
  loop.post([] { throw std::runtime_error("from a task"); });
  loop.start_timer(0ms, [] { throw 1; });
  run();
  util::set_log_sink(nullptr);
  REQUIRE(trace.size() == 3);
  CHECK(sink.text == "x");
  std::string all;
  for (const auto& line : trace) {
    CHECK(line.starts_with("error "));
    all += line + '\n';
  }
  CHECK(all.find("from a task") != std::string::npos);
  CHECK(all.find("unknown exception in a timer") != std::string::npos);
  CHECK(all.find("from received") != std::string::npos);
}

TEST_CASE_FIXTURE(Tasks, "a broken pipe is no signal") {
  struct sigaction action {};
  REQUIRE(::sigaction(SIGPIPE, nullptr, &action) == 0);
  CHECK((action.sa_handler == SIG_IGN));
}

TEST_CASE("a loop that goes destroys what it holds, and what it made stays harmless") {
  Sink sink;
  std::weak_ptr<int> watch;
  std::vector<std::unique_ptr<util::Transport>> alive;
  const auto fds = LoopBench::socket_pair();
  const auto pipe = LoopBench::pipe_pair();
  {
    auto object = std::make_shared<int>();
    watch = object;
    std::optional<loop::Loop> loop{std::in_place};
    alive.push_back(loop->stdio(fds.first, fds.first));
    alive.push_back(loop->stdio(::open("/dev/null", O_RDONLY), ::open("/dev/null", O_WRONLY)));
    alive.push_back(loop->stdio(pipe.first, pipe.second));
    for (const auto& transport : alive) transport->start(sink);
    alive[0]->send(std::string(1'000'000, 'x'));
    auto owned = loop->stdio(::dup(fds.second), ::dup(fds.second));
    loop->connect("/nonexistent/socket", [object](auto) { FAIL_CHECK("ran"); });
    loop->start_timer(0ms, [object, owned = std::move(owned)] { FAIL_CHECK("ran"); });
    loop->post([object] { FAIL_CHECK("ran"); });
    SUBCASE("never run") {}
    SUBCASE("a task's destructor posts") {
      struct Poster {
        loop::Loop* loop;
        std::shared_ptr<int> word;
        ~Poster() {
          if (word) loop->post([] {});
        }
        Poster(loop::Loop* of, std::shared_ptr<int> some) : loop(of), word(std::move(some)) {}
        Poster(Poster&&) = default;
      };
      loop->post([poster = Poster(&*loop, object)] {});
    }
  }
  CHECK(watch.expired());
  for (const auto& transport : alive) {
    transport->send(std::string("late"));
    transport->start(sink);
  }
  alive.clear();
  CHECK(sink.text.empty());
  CHECK(sink.closings == 0);
  ::close(fds.second);
}
