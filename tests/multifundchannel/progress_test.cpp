#include "report/progress.hpp"

#include <algorithm>
#include <map>

#include "worlds.hpp"

using report::Phase;
using report::Progress;
using sim::Fault;
using sim::Kind;
using sim::World;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

struct Bar {
  std::uint64_t num;
  std::uint64_t total;
  std::uint64_t stage;
  std::uint64_t stages;
  bool operator==(const Bar&) const = default;
};

struct Shown {
  Progress progress;
  std::vector<Bar> bars;

  explicit Shown(std::size_t peers) : progress(peers) {
    progress.show_with([this](std::size_t num, std::size_t total, std::size_t stage, std::size_t stages) {
      bars.push_back({num, total, stage, stages});
    });
  }
};

/// What the caller was told: bars in order, and lines.
struct Told {
  std::vector<Bar> bars;
  std::vector<std::string> lines;
};

Told told(const sim::Outcome& outcome) {
  Told told;
  for (const auto& notification : outcome.notifications) {
    const auto space = notification.find(' ');
    const auto document = json::Document::parse(notification.substr(space), "params");
    REQUIRE(document);
    const auto params = document->root();
    if (notification.substr(0, space) == "message") {
      told.lines.emplace_back(*params.string("message"));
      continue;
    }
    REQUIRE(notification.substr(0, space) == "progress");
    const auto stage = params.find("stage");
    REQUIRE(stage);
    told.bars.push_back({*params.u64("num"), *params.u64("total"), *stage->u64("num"), *stage->u64("total")});
  }
  return told;
}

/// What would break lightning-cli.
void check_drawable(const std::vector<Bar>& bars) {
  for (const auto& bar : bars) {
    CHECK(bar.total >= 2);
    CHECK(bar.num < bar.total);
    CHECK(bar.stage < bar.stages);
  }
}

}  // namespace

TEST_CASE("a bar for each phase counts the peers that are through with it") {
  Shown shown(3);
  shown.progress.at(Phase::prepare, 0);
  CHECK(shown.bars.empty());
  shown.progress.at(Phase::connect, 0);
  shown.progress.at(Phase::connect, 2);
  shown.progress.at(Phase::start, 1);
  CHECK(shown.bars == std::vector<Bar>{{0, 3, 0, 4}, {1, 3, 0, 4}, {2, 3, 0, 4}, {0, 3, 1, 4}});
}

TEST_CASE("one peer alone is half of nothing and then all") {
  Shown shown(1);
  shown.progress.at(Phase::connect, 0);
  shown.progress.finished();
  CHECK(shown.bars == std::vector<Bar>{{0, 2, 0, 4}, {1, 2, 0, 4}});
}

TEST_CASE("a batch that goes back leaves its bar as it was") {
  Shown shown(3);
  shown.progress.at(Phase::complete, 1);
  shown.progress.at(Phase::start, 1);
  CHECK(shown.bars.back() == Bar{0, 3, 1, 4});
  CHECK(shown.bars.size() == 2);
}

TEST_CASE("many peers are told of in steps") {
  Shown shown(2'000);
  for (std::size_t done = 0; done < 2'000; ++done) shown.progress.at(Phase::connect, done);
  shown.progress.at(Phase::start, 0);
  const auto in_connect =
      std::count_if(shown.bars.begin(), shown.bars.end(), [](const Bar& b) { return b.stage == 0; });
  CHECK(in_connect > 50);
  CHECK(in_connect <= 102);
  CHECK(shown.bars[shown.bars.size() - 2] == Bar{1'999, 2'000, 0, 4});
}

TEST_CASE("the caller sees every phase, under either name") {
  for (const bool redirected : {true, false}) {
    CAPTURE(redirected);
    auto setup = with({peer("a"), peer("b"), peer("c")});
    setup.spenderp = redirected;
    setup.options["multifundchannel-progress"] = "true";
    World world(std::move(setup));
    const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}));
    CHECK(outcome.ok());
    const auto said = told(outcome);
    check_drawable(said.bars);
    CHECK(said.lines.empty());
    for (std::uint64_t stage = 0; stage < 4; ++stage) {
      CAPTURE(stage);
      CHECK(std::count(said.bars.begin(), said.bars.end(), Bar{2, 3, stage, 4}) == 1);  // full, once
    }
    CHECK(std::is_sorted(said.bars.begin(), said.bars.end(),
                         [](const Bar& a, const Bar& b) { return a.stage < b.stage; }));
    worlds::check_invariants(world);  // nothing after the reply
  }
}

TEST_CASE("a line for every peer that drops out, and a word why") {
  auto setup = with({peer("a"), peer("b", {Fault{sim::Phase::start, Kind::refuse}}),
                     peer("c", {Fault{sim::Phase::connect, Kind::refuse}}),
                     peer("d", {Fault{sim::Phase::complete, Kind::disconnect}})});
  setup.options["multifundchannel-progress"] = "true";
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c", "d"}, R"("minchannels":1)"));
  CHECK(outcome.ok());
  const auto said = told(outcome);
  check_drawable(said.bars);
  REQUIRE(said.lines.size() == 3);
  const std::map<std::string, std::string> expected{{"b", "refused, fundchannel_start: "},
                                                    {"c", "unreachable, connect: "},
                                                    {"d", "disconnected, fundchannel_complete: "}};
  for (const auto& [name, why] : expected) {
    const auto line = std::find_if(
        said.lines.begin(), said.lines.end(),
        [&world, name = name](const std::string& text) { return text.find(world.peer_id(name)) != std::string::npos; });
    REQUIRE(line != said.lines.end());
    CHECK_MESSAGE(line->find("is out: " + why) != std::string::npos, *line);
  }
  worlds::check_invariants(world);
}

TEST_CASE("a failed batch says nothing after its reply") {
  auto setup = with({peer("a"), peer("b", {Fault{sim::Phase::complete, Kind::silent}})});
  setup.options["multifundchannel-progress"] = "true";
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("peer_timeout":3)"));
  CHECK(!outcome.result.ok());
  CHECK(told(outcome).lines.size() == 1);
  worlds::check_invariants(world);
}

TEST_CASE("who has not asked for progress gets none") {
  auto setup = with({peer("a"), peer("b", {Fault{sim::Phase::start, Kind::refuse}})});
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("minchannels":1)"));
  CHECK(outcome.ok());
  CHECK(outcome.notifications.empty());
}
