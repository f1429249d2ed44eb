#include "sim/virtual_time.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"

using namespace std::chrono_literals;
using Trace = Bench::Trace;

TEST_CASE_FIXTURE(Bench, "virtual time: tasks run in order, before any timer") {
  time.start_timer(0ms, note("timer"));
  time.post(note("a"));
  time.post(note("b"));
  CHECK(time.step());
  CHECK(trace == Trace{"a"});
  time.run();
  CHECK(trace == Trace{"a", "b", "timer"});
  CHECK_FALSE(time.step());
}

TEST_CASE_FIXTURE(Bench, "virtual time: timers run when due, those due together in the order of their start") {
  time.start_timer(5ms, note("5"));
  time.start_timer(3ms, note("3 first"));
  time.start_timer(3ms, note("3 second"));
  CHECK(time.now() == 0ms);
  CHECK(time.pending_timers() == 3);
  time.run();
  CHECK(trace == Trace{"3 first", "3 second", "5"});
  CHECK(time.now() == 5ms);
  CHECK(time.pending_timers() == 0);
}

TEST_CASE_FIXTURE(Bench, "virtual time: a stopped timer never runs, even when it is due already") {
  const auto stopped = time.start_timer(1ms, note("stopped"));
  CHECK(time.step());
  CHECK_FALSE(time.idle());
  Capture capture;
  const auto other = time.start_timer(1ms, [object = capture.give()] {});
  time.stop_timer(stopped);
  time.stop_timer(other);
  time.stop_timer(other);
  CHECK(capture.destroyed());
  time.run();
  CHECK(trace.empty());
  CHECK(time.idle());
}

TEST_CASE_FIXTURE(Bench, "virtual time: run_for runs what is due by its end, and time passes anyway") {
  time.start_timer(10ms, note("10"));
  time.start_timer(11ms, note("11"));
  time.run_for(10ms);
  CHECK(trace == Trace{"10"});
  time.run_for(100ms);
  CHECK(time.now() == 110ms);
  CHECK(trace == Trace{"10", "11"});
}

TEST_CASE_FIXTURE(Bench, "virtual time: run stops at its limit") {
  util::Function<void()> again;
  again = [this, &again] {
    trace.emplace_back("again");
    time.post([&again] { again(); });
  };
  again();
  time.run(9);
  CHECK(trace.size() == 10);
}

TEST_CASE("virtual time: tasks left over are destroyed with it, and may use it while they are") {
  Capture captures[2];
  {
    sim::VirtualTime time;
    spark::Scope scope(time, nullptr);
    time.start_timer(std::chrono::hours(1), scope.guard<>("call", [object = captures[0].give()] {}));
    time.post([object = captures[1].give()] {});
  }
  CHECK(captures[0].destroyed());
  CHECK(captures[1].destroyed());
}
