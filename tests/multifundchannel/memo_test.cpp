// A destination's memo: shown, and kept as long as the batch is not settled.
#include "worlds.hpp"

using sim::Broadcast;
using sim::World;
using worlds::error;
using worlds::field;
using worlds::listed;
using worlds::peer;
using worlds::says;
using worlds::with;

namespace {

const std::string two = R"({"destinations":[{"id":"$a@","amount":1000000,"memo":"rent \"A\""},)"
                        R"({"id":"$b@","amount":1000000}],"details":true,"minchannels":1})";
const std::string shown = R"("memo":"rent \"A\"")";

}  // namespace

TEST_CASE("a memo is in the list and in the details, of a channel and of a peer that failed") {
  World world(with({peer("a"), peer("b")}));
  const auto opened = world.call("multifundchannel", two);
  CHECK(says(field(opened, "channel_ids"), shown));
  CHECK(says(listed(world), R"("state":"opened",)" + shown));
  worlds::check_invariants(world);

  World other(with({peer("a", {{.phase = sim::Phase::start}}), peer("b")}));
  CHECK(says(field(other.call("multifundchannel", two), "failed"), shown));
  CHECK(says(listed(other), R"("state":"failed",)" + shown));
}

TEST_CASE("without details a memo is not in the result") {
  World world(with({peer("a"), peer("b")}));
  const auto plain = two.substr(0, two.find(",\"details\"")) + "}";
  CHECK_FALSE(says(*world.call("multifundchannel", plain).result, "memo"));
  CHECK(says(listed(world), shown));
}

TEST_CASE("a memo survives a restart while its batch is not settled") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcast = Broadcast::fails;
  World world(setup);
  CHECK(error(world.call("multifundchannel", two)).code == 303);
  world.restart_lightningd();
  world.run_for(std::chrono::seconds(5));
  CHECK(worlds::state(world) == "settling");
  CHECK(says(listed(world), shown));
  worlds::check_invariants(world);
}

TEST_CASE("a memo that breaks a line is refused before anything happens") {
  World world(with({peer("a")}));
  const auto refused =
      world.call("multifundchannel", R"({"destinations":[{"id":"$a@","amount":1000000,"memo":"a\nb"}]})");
  CHECK(error(refused).message ==
        "destinations[0].memo: must be a text of 1 to 100 characters, without line breaks and control characters, got "
        "\"a\\nb\"");
  CHECK(worlds::calls(world, "connect") == 0);
}
