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
