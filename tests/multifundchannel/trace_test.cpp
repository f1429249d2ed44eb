#include "report/trace.hpp"

#include <map>
#include <set>

#include "worlds.hpp"

using report::Phase;
using report::Timeline;
using sim::Fault;
using sim::Kind;
using sim::World;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

/// One event of a trace, as far as it has these.
struct Event {
  std::string name;
  std::string kind;
  std::uint64_t thread = 0;
  std::uint64_t begin = 0;
  std::uint64_t length = 0;
  std::string args;
};

std::vector<Event> events_of(const std::string& trace) {
  const auto document = json::Document::parse(trace, "trace");
  REQUIRE(document);
  std::vector<Event> events;
  for (const auto& given : document->root().find("traceEvents")->elements()) {
    Event event{std::string(*given.string("name")), std::string(*given.string("ph")), *given.u64("tid"), 0, 0, ""};
    if (given.find("ts")) event.begin = *given.u64("ts");
    if (given.find("dur")) event.length = *given.u64("dur");
    if (const auto args = given.find("args")) event.args = args->dump();
    events.push_back(std::move(event));
  }
  return events;
}

/// Titles of the threads by their ids.
std::map<std::uint64_t, std::string> titles(const std::vector<Event>& events) {
  std::map<std::uint64_t, std::string> titles;
  for (const auto& event : events) {
    if (event.name == "thread_name") titles[event.thread] = event.args;
  }
  return titles;
}

/// "title name args" of all slices, without the title's JSON around it.
std::multiset<std::string> slices_of(const std::vector<Event>& events) {
  const auto threads = titles(events);
  std::multiset<std::string> slices;
  for (const auto& event : events) {
    if (event.kind != "X") continue;
    const auto& title = threads.at(event.thread);
    slices.insert(title.substr(9, title.size() - 11) + " " + event.name + " " + event.args);
  }
  return slices;
}

void check_no_overlap(const std::vector<Event>& events) {
  std::map<std::uint64_t, std::map<std::uint64_t, std::uint64_t>> ends;  // by thread and begin
  for (const auto& event : events) {
    if (event.kind == "X" && event.length > 0) ends[event.thread][event.begin] = event.begin + event.length;
  }
  for (const auto& [thread, slices] : ends) {
    std::uint64_t free = 0;
    for (const auto& [begin, end] : slices) {
      CHECK(begin >= free);
      free = end;
    }
  }
}

sim::Setup traced(std::vector<sim::PeerSetup> peers) {
  auto setup = with(std::move(peers));
  setup.options["multifundchannel-trace-dir"] = "\"/files\"";
  return setup;
}

}  // namespace

TEST_CASE("a timeline knows how long phases and calls took") {
  sim::VirtualTime time;
  const auto id = *lightningd::NodeId::from_hex("02" + std::string(64, 'a'));
  Timeline timeline(time, {id});
  time.run_for(std::chrono::milliseconds(5));
  timeline.enter(Phase::connect);
  const auto call = timeline.sent("connect", &id);
  time.run_for(std::chrono::milliseconds(20));
  timeline.answered(call, nullptr);
  timeline.enter(Phase::start);
  timeline.enter(Phase::start);
  const auto hangs = timeline.sent("fundchannel_start", &id);
  time.run_for(std::chrono::milliseconds(7));
  timeline.enter(Phase::connect);
  time.run_for(std::chrono::milliseconds(3));
  (void)hangs;

  const auto phases = timeline.per_phase();
  CHECK(phases[0] == std::chrono::milliseconds(5));
  CHECK(phases[1] == std::chrono::milliseconds(23));
  CHECK(phases[2] == std::chrono::milliseconds(7));
  CHECK(timeline.of_peer(0).at("connect") == std::chrono::milliseconds(20));
  CHECK(timeline.of_peer(0).at("fundchannel_start") == std::chrono::milliseconds(10));  // so far
}

TEST_CASE("calls at the same time for one peer lie on threads of their own") {
  sim::VirtualTime time;
  const auto id = *lightningd::NodeId::from_hex("02" + std::string(64, 'a'));
  Timeline timeline(time, {id});
  const auto hangs = timeline.sent("fundchannel_start", &id);
  time.run_for(std::chrono::milliseconds(5));
  const auto cancel = timeline.sent("fundchannel_cancel", &id);
  time.run_for(std::chrono::milliseconds(5));
  const util::Error nothing{307, "No channel funding in progress.", {}};
  timeline.answered(cancel, &nothing);
  const auto events = events_of(report::trace_json(timeline, "b", 1));
  check_no_overlap(events);
  CHECK(titles(events).size() == 4);  // batch, node, and the peer twice
  CHECK(slices_of(events) == std::multiset<std::string>{"batch prepare ",
                                                        "peer 0 02aaaaaa fundchannel_start {\"result\":\"no answer\"}",
                                                        "peer 0 02aaaaaa fundchannel_cancel {\"error\":307}"});
  (void)hangs;
}

TEST_CASE("a batch leaves a trace of all its calls") {
  World world(traced({peer("a"), peer("b", {Fault{sim::Phase::start, Kind::refuse}})}));
  REQUIRE(world.ready());
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("minchannels":1,"details":true)"));
  REQUIRE(outcome.ok());
  worlds::check_invariants(world);
  REQUIRE(world.files().texts().size() == 1);
  const auto& [path, text] = *world.files().texts().begin();
  const auto batch = worlds::field(outcome, "batch");
  CHECK(path == "/files/multifundchannel-" + batch.substr(1, 32) + ".json");

  const auto events = events_of(text);
  check_no_overlap(events);
  const auto slices = slices_of(events);
  const auto a = "peer 0 " + world.peer_id("a").substr(0, 8);
  const auto b = "peer 1 " + world.peer_id("b").substr(0, 8);
  const auto ok = std::string(R"( {"result":"ok"})");
  for (const auto* phase : {"prepare", "connect", "start", "complete", "send", "undo"}) {
    CAPTURE(phase);
    CHECK(slices.contains(std::string("batch ") + phase + " "));
  }
  for (const auto* method : {"parsefeerate", "fundpsbt", "signpsbt", "sendpsbt", "datastore", "deldatastore"}) {
    CAPTURE(method);
    CHECK(slices.contains(std::string("node ") + method + ok));
  }
  for (const auto* method : {"listpeers", "connect", "fundchannel_start", "fundchannel_complete"}) {
    CAPTURE(method);
    CHECK(slices.count(a + " " + method + ok) == 1);
  }
  CHECK(slices.contains(b + R"( fundchannel_start {"error":-1})"));
  CHECK(std::count_if(events.begin(), events.end(), [](const Event& e) { return e.name == "out: refused"; }) == 1);
}

TEST_CASE("a failed batch leaves one, too, and none has a transaction in it") {
  World world(traced({peer("a"), peer("b", {Fault{sim::Phase::complete, Kind::silent}})}));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("peer_timeout":3)"));
  CHECK(!outcome.result.ok());
  worlds::check_invariants(world);
  REQUIRE(world.files().texts().size() == 1);
  const auto& text = world.files().texts().begin()->second;
  check_no_overlap(events_of(text));
  CHECK(text.find("cHNidP") == std::string::npos);
  CHECK(text.find("out: timeout") != std::string::npos);
  CHECK(text.find("fundchannel_cancel") != std::string::npos);
}

TEST_CASE("a directory that cannot be written in is refused at the start") {
  auto setup = with({peer("a")});
  setup.options["multifundchannel-trace-dir"] = "\"/nowhere\"";
  CHECK_FALSE(World(std::move(setup)).ready());
}

TEST_CASE("a trace that cannot be written only costs a line in the log") {
  World world(traced({peer("a")}));
  world.files().take_directory_away();
  CHECK(world.call("multifundchannel", open({"a"})).ok());
  worlds::check_invariants(world);
  const auto& log = world.node().core().monitor.log();
  CHECK(std::any_of(log.begin(), log.end(), [](const std::string& line) {
    return line.find("trace: cannot write in /files") != std::string::npos;
  }));
}

TEST_CASE("without the option nothing is written") {
  World world(with({peer("a")}));
  CHECK(world.call("multifundchannel", open({"a"})).ok());
  CHECK(world.files().texts().empty());
}
