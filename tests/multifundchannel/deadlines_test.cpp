#include "worlds.hpp"

using namespace std::chrono_literals;
using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using worlds::count;
using worlds::open;
using worlds::peer;
using worlds::with;

TEST_CASE("a silent peer costs its deadline and nothing more") {
  for (const auto phase : {Phase::connect, Phase::start, Phase::complete}) {
    CAPTURE(static_cast<int>(phase));
    World world(with({peer("a"), peer("b", {Fault{phase, Kind::silent}}), peer("c")}));
    const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":1)"));
    CHECK(count(outcome, "channel_ids") == 2);
    CHECK(outcome.took >= 60s);
    CHECK(outcome.took < 62s);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a silent peer with live channels is freed all the same") {
  for (const auto phase : {Phase::start, Phase::complete}) {
    CAPTURE(static_cast<int>(phase));
    auto silent = peer("b", {Fault{phase, Kind::silent}});
    silent.channels = {{}};
    World world(with({peer("a"), silent}));
    const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("minchannels":1)"));
    CHECK(count(outcome, "channel_ids") == 1);
    worlds::check_invariants(world);
  }
}

TEST_CASE("when the batch fails, a silent peer does not hold up the answer") {
  World world(with({peer("a", {Fault{Phase::start, Kind::silent}}), peer("b", {Fault{Phase::start, Kind::refuse}})}));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}));
  CHECK(worlds::error(outcome).code == -1);
  CHECK(outcome.took < 4s);
  worlds::check_invariants(world);
}

TEST_CASE("a batch ends within the sum of its deadlines, though every peer is silent") {
  for (const auto phase : {Phase::connect, Phase::start, Phase::complete}) {
    CAPTURE(static_cast<int>(phase));
    auto setup = with({});
    std::vector<std::string> names;
    for (int i = 0; i < 25; ++i) {
      names.push_back("p" + std::to_string(i));
      setup.peers.push_back(peer(names.back(), {Fault{phase, Kind::silent}}));
    }
    World world(std::move(setup));
    const auto outcome = world.call("multifundchannel", open(names, R"("minchannels":1)"));
    CHECK(worlds::error(outcome).message.find("timeout") != std::string::npos);
    CHECK(outcome.took < 200s);
    worlds::check_invariants(world);
  }
}

TEST_CASE("dead addresses do not hold up the peers behind them") {
  auto setup = with({});
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) {
    names.push_back("dead" + std::to_string(i));
    setup.peers.push_back(peer(names.back(), {Fault{Phase::connect, Kind::silent}}));
  }
  names.push_back("near");
  setup.peers.push_back(peer("near"));
  auto there = peer("there");
  there.connected = true;
  names.push_back("there");
  setup.peers.push_back(there);
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open(names, R"("minchannels":2,"peer_timeout":20)"));
  CHECK(count(outcome, "channel_ids") == 2);
  // Two windows of three seconds before `near` has its turn, and its own deadline is not at risk.
  CHECK(outcome.took < 40s);
  worlds::check_invariants(world);
}

TEST_CASE("an opening that has waited for more than five minutes is started again") {
  auto slow = peer("b");
  slow.delay = 90s;
  World world(with({peer("a"), slow}));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("peer_timeout":1000)"));
  CHECK(count(outcome, "channel_ids") == 2);
  CHECK(world.node().core().methods.calls().find("fundchannel_start")->second == 3);
  worlds::check_invariants(world);
}

TEST_CASE("the deadline is an option, and a parameter of the command") {
  auto setup = with({peer("a", {Fault{Phase::start, Kind::silent}})});
  setup.options["multifundchannel-peer-timeout"] = "7";
  World world(std::move(setup));
  const auto by_option = world.call("multifundchannel", open({"a"}));
  CHECK(worlds::error(by_option).message.find("within 7 seconds") != std::string::npos);
  CHECK(by_option.took >= 7s);
  CHECK(by_option.took < 8s);
  worlds::check_invariants(world);

  World other(with({peer("a", {Fault{Phase::start, Kind::silent}})}));
  const auto by_parameter = other.call("multifundchannel", open({"a"}, R"("peer_timeout":2)"));
  CHECK(worlds::error(by_parameter).message.find("within 2 seconds") != std::string::npos);
  CHECK(by_parameter.took < 3s);
  worlds::check_invariants(other);
}
