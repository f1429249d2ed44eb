#include "worlds.hpp"

using sim::Broadcast;
using sim::World;
using worlds::open;
using worlds::peer;
using worlds::with;

TEST_CASE("whatever sendpsbt answers, nothing is undone after it was sent") {
  for (const auto broadcast : {Broadcast::fails, Broadcast::hides_success, Broadcast::never_answers}) {
    CAPTURE(static_cast<int>(broadcast));
    auto setup = with({peer("a"), peer("b")});
    setup.broadcast = broadcast;
    World world(std::move(setup));
    const auto outcome = world.call("multifundchannel", open({"a", "b"}));
    const auto& error = worlds::error(outcome);
    CHECK(error.code == 303);
    CHECK(error.data.find("\"txid\":\"") != std::string::npos);
    // The channels stay, and their inputs stay reserved.
    CHECK(worlds::channels(world) == 2);
    worlds::check_invariants(world);
  }
}
