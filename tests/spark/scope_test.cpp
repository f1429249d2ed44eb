#include "spark/scope.hpp"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <stdexcept>

#include "bench.hpp"

using namespace std::chrono_literals;
using spark::Completion;
using spark::Spark;
using Trace = Bench::Trace;

TEST_CASE_FIXTURE(Bench, "a spark's body starts from the ready queue, in order, never inside the call") {
  static_cast<void>(scope->spark(finish("first")));
  static_cast<void>(scope->spark(finish("second")));
  CHECK(trace.empty());
  time.run();
  CHECK(trace == Trace{"first", "second"});
}

TEST_CASE_FIXTURE(Bench, "wait runs once, from the queue, for sparks that complete after the call") {
  const Spark sparks[] = {scope->spark(keep()), scope->spark(keep())};
  scope->wait(sparks, note("all"));
  time.run();
  REQUIRE(completions.size() == 2);
  std::move(completions[1]).done();
  time.run();
  CHECK(trace.empty());
  CHECK_FALSE(sparks[0].completed());
  CHECK(sparks[1].completed());
  std::move(completions[0]).done();
  CHECK(trace.empty());
  time.run();
  CHECK(trace == Trace{"all"});
}

TEST_CASE_FIXTURE(Bench, "wait runs once, from the queue, for sparks that completed before the call") {
  const std::vector<Spark> sparks = {scope->spark(finish("a")), scope->spark(finish("b"))};
  time.run();
  scope->wait(sparks, note("all"));
  CHECK(trace == Trace{"a", "b"});
  time.run();
  CHECK(trace == Trace{"a", "b", "all"});
}

TEST_CASE_FIXTURE(Bench, "wait for sparks of which some completed before the call and some after") {
  const std::vector<Spark> sparks = {scope->spark(finish("a")), scope->spark(keep())};
  time.run();
  scope->wait(sparks, note("all"));
  time.run();
  CHECK(trace == Trace{"a"});
  std::move(completions[0]).done();
  time.run();
  CHECK(trace == Trace{"a", "all"});
}

TEST_CASE_FIXTURE(Bench, "wait for nothing runs from the queue") {
  scope->wait({}, note("then"));
  CHECK(trace.empty());
  time.run();
  CHECK(trace == Trace{"then"});
}

TEST_CASE_FIXTURE(Bench, "a spark may be waited for twice, in one wait or in several") {
  const auto spark = scope->spark(keep());
  scope->wait({spark, spark}, note("twice"));
  scope->wait({spark}, note("again"));
  time.run();
  std::move(completions[0]).done();
  time.run();
  CHECK(trace == Trace{"twice", "again"});
}

TEST_CASE_FIXTURE(Bench, "a completion dropped unused fails the scope") {
  static_cast<void>(scope->spark([](Completion) {}));
  scope->after(1s, note("timer"));
  time.run();
  CHECK(trace == Trace{"failed: spark abandoned"});
  CHECK(scope->ended());
}

TEST_CASE_FIXTURE(Bench, "assigning over a completion drops the one that was there") {
  static_cast<void>(scope->spark(keep()));
  static_cast<void>(scope->spark(keep()));
  time.run();
  completions[0] = std::move(completions[1]);
  time.run();
  CHECK(trace == Trace{"failed: spark abandoned"});
}

TEST_CASE_FIXTURE(Bench, "a completion that was moved from is harmless") {
  const auto spark = scope->spark(keep());
  time.run();
  Completion taken = std::move(completions[0]);
  completions.clear();
  CHECK_FALSE(scope->ended());
  std::move(taken).done();
  std::move(taken).done();  // NOLINT(bugprone-use-after-move): the second does nothing
  time.run();
  CHECK(spark.completed());
  CHECK_FALSE(scope->ended());
  CHECK(trace.empty());
}

TEST_CASE_FIXTURE(Bench, "a completion dropped or used after the scope ended does nothing") {
  const auto first = scope->spark(keep());
  const auto second = scope->spark(keep());
  scope->wait({first, second}, note("then"));
  time.run();
  SUBCASE("after end") { scope->end(); }
  SUBCASE("after destruction") { scope.reset(); }
  std::move(completions[0]).done();
  completions.clear();
  time.run();
  CHECK(trace.empty());
  CHECK_FALSE(first.completed());
}

TEST_CASE_FIXTURE(Bench, "fail reports once, from the queue, with the scope ended, and the first error counts") {
  scope->fail({.message = "first"});
  scope->fail({.message = "second"});
  CHECK(scope->ended());
  CHECK(trace.empty());
  time.run();
  CHECK(trace == Trace{"failed: first"});
}

TEST_CASE_FIXTURE(Bench, "end is silent, and withdraws a failure that was not reported yet") {
  SUBCASE("end alone") { scope->end(); }
  SUBCASE("fail, then end") {
    scope->fail({.message = "too late"});
    scope->end();
  }
  SUBCASE("fail, then destruction") {
    scope->fail({.message = "too late"});
    scope.reset();
  }
  time.run();
  CHECK(trace.empty());
}

TEST_CASE_FIXTURE(Bench, "after the end nothing of a scope runs: bodies, waits, timers") {
  const auto ready = scope->spark(finish("body"));
  const auto kept = scope->spark(keep());
  scope->wait({}, note("then"));
  scope->after(0ms, note("timer"));
  SUBCASE("end") { scope->end(); }
  SUBCASE("fail") { scope->fail({.message = "x"}); }
  SUBCASE("destruction") { scope.reset(); }
  trace.clear();
  time.run();
  CHECK((trace.empty() || trace == Trace{"failed: x"}));
  CHECK(completions.empty());
}

TEST_CASE_FIXTURE(Bench, "what is started after the end never runs and is destroyed") {
  scope->end();
  Capture capture;
  static_cast<void>(scope->spark([object = capture.give()](Completion) {}));
  CHECK(capture.destroyed());
  scope->wait({}, note("then"));
  scope->after(1s, note("timer"));
  CHECK(time.pending_timers() == 0);
  time.run();
  CHECK(trace.empty());
}

TEST_CASE_FIXTURE(Bench, "the end destroys what callbacks captured at once, and stops timers") {
  std::array<Capture, 4> captures;
  const auto spark = scope->spark(keep());
  time.run();
  static_cast<void>(scope->spark([object = captures[0].give()](Completion) {}));
  scope->wait({spark}, [object = captures[1].give()] {});
  scope->after(1s, [object = captures[2].give()] {});
  SUBCASE("end") { scope->end(); }
  SUBCASE("fail") { scope->fail({.message = "x"}); }
  SUBCASE("destruction") { scope.reset(); }
  CHECK(captures[0].destroyed());
  CHECK(captures[1].destroyed());
  CHECK(captures[2].destroyed());
  CHECK(time.pending_timers() == 0);
}

TEST_CASE_FIXTURE(Bench, "the failure callback is destroyed by end, too") {
  Capture capture;
  spark::Scope other(time, [object = capture.give()](const util::Error&) {});
  CHECK_FALSE(capture.destroyed());
  other.end();
  CHECK(capture.destroyed());
}

TEST_CASE_FIXTURE(Bench, "a callback is destroyed once it ran") {
  std::array<Capture, 2> captures;
  const auto spark = scope->spark([object = captures[0].give()](Completion c) { std::move(c).done(); });
  scope->wait({spark}, [object = captures[1].give()] {});
  time.run();
  CHECK(captures[0].destroyed());
  CHECK(captures[1].destroyed());
}

TEST_CASE_FIXTURE(Bench, "timers run after their delay, once") {
  scope->after(20ms, note("b"));
  scope->after(10ms, note("a"));
  time.run_for(15ms);
  CHECK(trace == Trace{"a"});
  time.run();
  CHECK(trace == Trace{"a", "b"});
  CHECK(time.now() == 20ms);
}

namespace {

using Action = std::function<void()>;

void end(Bench& bench) { bench.scope->end(); }
void fail(Bench& bench) { bench.scope->fail({.message = "x"}); }
void destroy(Bench& bench) { bench.scope.reset(); }

void in_body(Bench& bench, Action action) {
  static_cast<void>(bench.scope->spark([action](Completion) { action(); }));
}
void in_then(Bench& bench, Action action) { bench.scope->wait({}, action); }
void in_after(Bench& bench, Action action) { bench.scope->after(0ms, action); }
void in_guard(Bench& bench, Action action) { bench.time.post(bench.scope->guard<>("call", action)); }
void in_reply(Bench& bench, Action action) {
  bench.time.post(bench.scope->expect<>("call", 1s, action, bench.note("expired")));
}
void in_expired(Bench& bench, Action action) {
  static_cast<void>(bench.scope->expect<>("call", 0ms, bench.note("reply"), action));
}

}  // namespace

TEST_CASE("the scope may end or go inside a callback of its own") {
  for (auto* const finish : {end, fail, destroy}) {
    for (auto* const place : {in_body, in_then, in_after, in_guard, in_reply, in_expired}) {
      Bench bench;
      // What the running callback captured lives until it returns.
      place(bench, [&bench, finish, word = std::make_shared<std::string>("ran")] {
        finish(bench);
        bench.trace.push_back(*word);
      });
      bench.scope->after(0ms, bench.note("sibling"));
      bench.time.run();
      CHECK(bench.trace == (finish == fail ? Trace{"ran", "failed: x"} : Trace{"ran"}));
    }
  }
}

TEST_CASE_FIXTURE(Bench, "the scope may go inside its failure callback") {
  std::optional<spark::Scope> other;
  other.emplace(time, [this, &other, word = std::string("a word too long to be kept inside a string")](util::Error) {
    other.reset();
    trace.push_back(word);
  });
  other->fail({.message = "x"});
  time.run();
  CHECK_FALSE(other);
  CHECK(trace == Trace{"a word too long to be kept inside a string"});
}

TEST_CASE_FIXTURE(Bench, "a scope may be owned by its own callback") {
  auto owned = std::make_shared<spark::Scope>(time, nullptr);
  std::weak_ptr<spark::Scope> watch = owned;
  auto& inner = *owned;
  SUBCASE("end destroys it") {
    inner.after(1s, [owned = std::move(owned)] {});
    inner.end();
  }
  SUBCASE("running destroys it") {
    inner.after(1s, [owned = std::move(owned)] {});
    time.run();
  }
  CHECK(watch.expired());
}

TEST_CASE_FIXTURE(Bench, "destructors of dropped callbacks may use the scope") {
  struct Meddler {
    spark::Scope* scope;
    explicit Meddler(spark::Scope* of) : scope(of) {}
    Meddler(const Meddler&) = delete;
    Meddler& operator=(const Meddler&) = delete;
    ~Meddler() {
      scope->after(std::chrono::seconds(1), [] {});
      scope->fail({.message = "from a destructor"});
    }
  };
  scope->after(1s, [meddler = std::make_unique<Meddler>(&*scope)] {});
  scope->after(1s, [meddler = std::make_unique<Meddler>(&*scope)] {});
  scope->end();
  CHECK(time.pending_timers() == 0);
  time.run();
  CHECK(trace.empty());
}

TEST_CASE_FIXTURE(Bench, "a body that throws abandons its spark") {
  static_cast<void>(scope->spark([](Completion) { throw std::runtime_error("thrown"); }));
  CHECK_THROWS_AS(time.run(), std::runtime_error);
  time.run();
  CHECK(trace == Trace{"failed: spark abandoned"});
}

TEST_CASE_FIXTURE(Bench, "a wait for a spark of another scope runs in the waiting scope") {
  spark::Scope other(time, nullptr);
  const auto spark = scope->spark(keep());
  other.wait({spark}, note("other"));
  scope->wait({spark}, note("own"));
  time.run();
  SUBCASE("both alive") {
    std::move(completions[0]).done();
    time.run();
    CHECK(trace == Trace{"other", "own"});
  }
  SUBCASE("the waiting one ended") {
    other.end();
    std::move(completions[0]).done();
    time.run();
    CHECK(trace == Trace{"own"});
  }
}
