#include "worlds.hpp"

using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using worlds::open;
using worlds::peer;
using worlds::with;

TEST_CASE("a shutdown at any moment undoes the batch, or lets it end when it was sent") {
  std::size_t aborted = 0;
  for (int moment = 0; moment < 400; moment += 5) {
    CAPTURE(moment);
    auto near = peer("a");
    auto far = peer("b");
    near.delay = std::chrono::milliseconds(10);
    far.delay = std::chrono::milliseconds(30);
    World world(with({near, far}));
    const auto call = world.start("multifundchannel", open({"a", "b"}));
    world.run_for(std::chrono::milliseconds(moment));
    world.announce_shutdown();
    world.finish_all();
    const auto& outcome = world.outcome(call);
    REQUIRE(outcome.answered);
    CHECK(outcome.replies == 1);
    if (!outcome.ok()) ++aborted;
    worlds::check_invariants(world);
    CHECK(world.ended());
  }
  CHECK(aborted > 0);
  CHECK(aborted < 80);
}

TEST_CASE("a caller whose plugin is stopped is told that the batch was undone") {
  auto slow = peer("a");
  slow.delay = std::chrono::seconds(1);
  World world(with({slow, peer("b")}));
  const auto call = world.start("multifundchannel", open({"a", "b"}));
  world.run_for(std::chrono::seconds(4));
  world.announce_shutdown();
  world.finish_all();
  const auto& message = worlds::error(world.outcome(call)).message;
  CAPTURE(message);
  CHECK(message.starts_with("the plugin was stopped: nothing was sent, and batch "));
  CHECK(message.ends_with(" is undone"));
  worlds::check_invariants(world);
}

TEST_CASE("a shutdown does not wait for a silent peer") {
  World world(with({peer("a"), peer("b", {Fault{Phase::complete, Kind::silent}})}));
  const auto call = world.start("multifundchannel", open({"a", "b"}));
  world.run_for(std::chrono::seconds(5));
  world.announce_shutdown();
  world.finish_all();
  world.run_for(std::chrono::seconds(20));
  const auto& message = worlds::error(world.outcome(call)).message;
  CAPTURE(message);
  CHECK(message.starts_with("the plugin was stopped: nothing was sent"));
  CHECK(world.ended());
  worlds::check_invariants(world);
}
