#include "spark/gate.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"

using namespace std::chrono_literals;
using spark::Gate;
using Pass = spark::Gate::Pass;
using Trace = Bench::Trace;

namespace {

struct GateBench : Bench {
  /// Enters, and stays inside with its pass in `passes`.
  void enter(std::string name) {
    gate->enter([this, name = std::move(name)](Pass pass) {
      trace.push_back(name);
      passes.push_back(std::move(pass));
    });
  }

  std::optional<Gate> gate{std::in_place, time, 2};
  std::vector<Pass> passes;
};

}  // namespace

TEST_CASE_FIXTURE(GateBench, "at most n are inside, first come first served, from the ready queue") {
  for (const auto* name : {"a", "b", "c", "d"}) enter(name);
  CHECK(trace.empty());
  time.run();
  CHECK(trace == Trace{"a", "b"});
  passes[1].leave();
  CHECK(trace == Trace{"a", "b"});
  time.run();
  CHECK(trace == Trace{"a", "b", "c"});
  passes.clear();
  time.run();
  CHECK(trace == Trace{"a", "b", "c", "d"});
}

TEST_CASE_FIXTURE(GateBench, "who comes when somebody is waiting does not overtake") {
  for (const auto* name : {"a", "b", "c"}) enter(name);
  time.run();
  passes[0].leave();
  enter("d");
  time.run();
  CHECK(trace == Trace{"a", "b", "c"});
  passes[1].leave();
  time.run();
  CHECK(trace == Trace{"a", "b", "c", "d"});
}

TEST_CASE_FIXTURE(GateBench, "a pass lets in one, however often it is left, moved or destroyed") {
  for (const auto* name : {"a", "b", "c", "d"}) enter(name);
  time.run();
  Pass pass = std::move(passes[0]);
  passes[0].leave();
  time.run();
  CHECK(trace == Trace{"a", "b"});
  pass.leave();
  pass.leave();
  pass = Pass();
  time.run();
  CHECK(trace == Trace{"a", "b", "c"});
}

TEST_CASE_FIXTURE(GateBench, "assigning over a pass leaves with the one that was there") {
  for (const auto* name : {"a", "b", "c"}) enter(name);
  time.run();
  passes[0] = std::move(passes[1]);
  time.run();
  CHECK(trace == Trace{"a", "b", "c"});
}

TEST_CASE_FIXTURE(GateBench, "a raised limit lets more in at once") {
  for (const auto* name : {"a", "b", "c", "d", "e"}) enter(name);
  time.run();
  gate->set_limit(4);
  time.run();
  CHECK(trace == Trace{"a", "b", "c", "d"});
}

TEST_CASE_FIXTURE(GateBench, "a lowered limit takes effect as holders leave") {
  for (const auto* name : {"a", "b", "c", "d"}) enter(name);
  time.run();
  gate->set_limit(1);
  passes[0].leave();
  time.run();
  CHECK(trace == Trace{"a", "b"});
  passes[1].leave();
  time.run();
  CHECK(trace == Trace{"a", "b", "c"});
}

TEST_CASE_FIXTURE(GateBench, "a limit lowered before the admitted ran counts, and raising it again lets them in") {
  for (const auto* name : {"a", "b"}) enter(name);
  gate->set_limit(0);
  time.run();
  CHECK(trace.empty());
  gate->set_limit(1);
  gate->set_limit(2);
  time.run();
  CHECK(trace == Trace{"a", "b"});
}

TEST_CASE_FIXTURE(GateBench, "a callback whose scope ended gives its place up at once") {
  gate->set_limit(1);
  enter("a");
  for (int i = 0; i < 3; ++i) {
    gate->enter(scope->guard<Pass>("opening", [this](Pass) { note("ended")(); }));
  }
  enter("b");
  time.run();
  scope->end();
  passes[0].leave();
  time.run();
  CHECK(trace == Trace{"a", "b"});
}

TEST_CASE_FIXTURE(GateBench, "a pass that a scope's callback holds is given back when the scope ends") {
  gate->set_limit(1);
  gate->enter(scope->guard<Pass>("opening", [this](Pass pass) { scope->after(1h, [pass = std::move(pass)] {}); }));
  enter("b");
  time.run_for(1s);
  CHECK(trace.empty());
  scope->end();
  time.run_for(0s);
  CHECK(trace == Trace{"b"});
}

TEST_CASE_FIXTURE(GateBench, "who throws inside leaves") {
  gate->set_limit(1);
  gate->enter([](Pass) { throw std::runtime_error("thrown"); });
  enter("b");
  CHECK_THROWS_AS(time.run(), std::runtime_error);
  time.run();
  CHECK(trace == Trace{"b"});
}

TEST_CASE_FIXTURE(GateBench, "passes outlive the gate, and who waits is dropped with it") {
  Capture capture;
  for (const auto* name : {"a", "b"}) enter(name);
  time.run();
  gate->enter([object = capture.give()](Pass) {});
  passes[0].leave();  // its successor is on the way when the gate goes
  gate.reset();
  CHECK(capture.destroyed());
  time.run();
  passes.clear();
  time.run();
  CHECK(trace == Trace{"a", "b"});
}

TEST_CASE_FIXTURE(GateBench, "a callback may enter again, leave and destroy the gate") {
  gate->set_limit(1);
  gate->enter([this](Pass pass) {
    enter("again");
    pass.leave();
    note("first")();
  });
  time.run();
  CHECK(trace == Trace{"first", "again"});
  gate->set_limit(2);
  gate->enter([this](Pass) { gate.reset(); });
  time.run();
  CHECK_FALSE(gate);
}
