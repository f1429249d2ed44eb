#include <doctest/doctest.h>

#include "bench.hpp"

using namespace std::chrono_literals;
using spark::Completion;
using Trace = Bench::Trace;
using Reply = util::Function<void(int)>;

namespace {

bool logged(const Trace& log, std::string_view what) {
  return log.size() == 1 && log[0].find(what) != std::string::npos;
}

}  // namespace

TEST_CASE_FIXTURE(Bench, "a guarded callback runs at once when it is called, and only once") {
  auto reply = scope->guard<int>("listpeers", note_reply("reply"));
  reply(1);
  CHECK(trace == Trace{"reply 1"});
  CHECK(log.empty());
  reply(2);
  CHECK(trace == Trace{"reply 1"});
  CHECK(logged(log, "listpeers"));
}

TEST_CASE_FIXTURE(Bench, "a guarded callback takes move-only arguments") {
  int sum = 0;
  auto add = scope->guard<std::unique_ptr<int>, int>("add", [&sum](std::unique_ptr<int> a, int b) { sum = *a + b; });
  add(std::make_unique<int>(40), 2);
  CHECK(sum == 42);
}

TEST_CASE_FIXTURE(Bench, "a reply after the end is dropped and logged with what it was") {
  auto reply = scope->guard<int>("fundchannel_start", note_reply("reply"));
  SUBCASE("end") { scope->end(); }
  SUBCASE("destruction") { scope.reset(); }
  CHECK(log.empty());
  reply(1);
  CHECK(trace.empty());
  CHECK(logged(log, "fundchannel_start"));
}

TEST_CASE_FIXTURE(Bench, "guarding after the end gives a callback that does nothing") {
  scope->end();
  auto reply = scope->guard<int>("connect", note_reply("reply"));
  reply(1);
  CHECK(trace.empty());
  CHECK(logged(log, "connect"));
}

TEST_CASE_FIXTURE(Bench, "a spark that fails the scope leaves nothing of its siblings but destructors") {
  Capture captures[2];
  std::vector<Reply> in_flight;
  for (auto& capture : captures) {
    static_cast<void>(scope->spark([this, &in_flight, &capture](Completion completion) {
      in_flight.push_back(scope->guard<int>(
          "call", [this, object = capture.give(), completion = std::move(completion)](int) { note("sibling")(); }));
    }));
  }
  static_cast<void>(scope->spark([this](Completion) { scope->fail({.message = "peer said no"}); }));
  time.run();
  REQUIRE(in_flight.size() == 2);
  CHECK(captures[0].destroyed());
  CHECK(captures[1].destroyed());
  for (auto& reply : in_flight) reply(1);
  time.run();
  CHECK(trace == Trace{"failed: peer said no"});
}

TEST_CASE_FIXTURE(Bench, "a guarded callback that is dropped uncalled lets go of what it captured") {
  Capture capture;
  {
    auto dropped = scope->guard<int>("call", [object = capture.give()](int) {});
    auto moved = std::move(dropped);
    CHECK_FALSE(capture.destroyed());
  }
  CHECK(capture.destroyed());
  CHECK_FALSE(scope->ended());
  time.run();
  CHECK(trace.empty());
  CHECK(log.empty());
}

TEST_CASE_FIXTURE(Bench, "a guarded callback may be dropped after its scope is gone") {
  auto reply = scope->guard<int>("call", note_reply("reply"));
  auto awaited = scope->expect<int>("call", 1s, note_reply("reply"), note("expired"));
  scope.reset();
  reply = nullptr;
  awaited = nullptr;
  time.run();
  CHECK(trace.empty());
}

TEST_CASE_FIXTURE(Bench, "a call that is dropped with a completion in it abandons the spark") {
  static_cast<void>(scope->spark([this](Completion completion) {
    static_cast<void>(scope->guard<int>("call", [completion = std::move(completion)](int) {}));
  }));
  time.run();
  CHECK(trace == Trace{"failed: spark abandoned"});
}

TEST_CASE_FIXTURE(Bench, "expect: the reply in time runs then, and the deadline is off") {
  auto reply = scope->expect<int>("connect", 1s, note_reply("reply"), note("expired"), note_reply("late"));
  time.run_for(999ms);
  reply(1);
  CHECK(time.pending_timers() == 0);
  time.run();
  CHECK(trace == Trace{"reply 1"});
  SUBCASE("a second reply is no late one") {
    reply(2);
    CHECK(trace == Trace{"reply 1"});
    CHECK(logged(log, "connect"));
  }
}

TEST_CASE_FIXTURE(Bench, "expect: the deadline runs expired, and the reply comes late") {
  Reply late;
  SUBCASE("somebody takes late replies") { late = note_reply("late"); }
  SUBCASE("nobody does") {}
  const bool taken{late};
  auto reply = scope->expect<int>("connect", 1s, note_reply("reply"), note("expired"), std::move(late));
  time.run_for(1s);
  CHECK(trace == Trace{"expired"});
  reply(7);
  CHECK(trace == (taken ? Trace{"expired", "late 7"} : Trace{"expired"}));
  CHECK(logged(log, "connect") == !taken);
  reply(8);
  CHECK(trace.size() == (taken ? 2 : 1));
}

TEST_CASE_FIXTURE(Bench, "expect: exactly one of then and expired when both are due together") {
  Reply reply;
  SUBCASE("reply first") {
    time.start_timer(1s, [&reply] { reply(1); });
    reply = scope->expect<int>("connect", 1s, note_reply("reply"), note("expired"), note_reply("late"));
    time.run();
    CHECK(trace == Trace{"reply 1"});
  }
  SUBCASE("deadline first") {
    reply = scope->expect<int>("connect", 1s, note_reply("reply"), note("expired"), note_reply("late"));
    time.start_timer(1s, [&reply] { reply(1); });
    time.run();
    CHECK(trace == Trace{"expired", "late 1"});
  }
}

TEST_CASE_FIXTURE(Bench, "expect: a reply inside expired is late, a deadline inside then is off") {
  Reply reply;
  reply = scope->expect<int>(
      "connect", 1s, note_reply("reply"),
      [this, &reply] {
        note("expired")();
        reply(1);
      },
      note_reply("late"));
  time.run();
  CHECK(trace == Trace{"expired", "late 1"});
}

TEST_CASE_FIXTURE(Bench, "expect: when the scope ends first, the reply goes to late") {
  Capture then;
  Capture expired;
  Capture late;
  auto reply = scope->expect<int>(
      "fundchannel_start", 1s, [object = then.give()](int) {}, [object = expired.give()] {},
      [this, object = late.give()](int value) { note_reply("late")(value); });
  SUBCASE("end") { scope->end(); }
  SUBCASE("fail") { scope->fail({.message = "x"}); }
  SUBCASE("destruction") { scope.reset(); }
  CHECK(then.destroyed());
  CHECK(expired.destroyed());
  CHECK_FALSE(late.destroyed());
  CHECK(time.pending_timers() == 0);
  reply(3);
  CHECK(trace == Trace{"late 3"});
  CHECK(late.destroyed());
  CHECK(log.empty());
}

TEST_CASE_FIXTURE(Bench, "expect: after the end, the reply goes to late") {
  scope->end();
  auto reply = scope->expect<int>("connect", 1s, note_reply("reply"), note("expired"), note_reply("late"));
  CHECK(time.pending_timers() == 0);
  reply(3);
  CHECK(trace == Trace{"late 3"});
}

TEST_CASE_FIXTURE(Bench, "expect: the deadline holds even when the call was dropped") {
  static_cast<void>(scope->expect<int>("connect", 1s, note_reply("reply"), note("expired")));
  time.run();
  CHECK(trace == Trace{"expired"});
}
