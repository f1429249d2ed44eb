// Destinations as a person writes them, from lightning-cli's call to the channels.
#include "json/writer.hpp"
#include "worlds.hpp"

using sim::World;
using worlds::count;
using worlds::error;
using worlds::field;
using worlds::peer;
using worlds::with;

namespace {

std::string given(std::string_view text, std::string_view more = "") {
  return json::Writer().object().field("destinations", text).end().take().insert(1, more);
}

sim::Setup three_peers(bool spenderp) {
  auto setup = with({peer("a"), peer("b"), peer("c")});
  setup.spenderp = spenderp;
  return setup;
}

/// As lightning-cli passes `"$(cat peers.txt)" feerate=slow`: up to its first = the text is the name of a parameter,
/// and its line breaks stand there as they are.
const std::string as_names = "{\"# peers\n\n$a@ \":\" 500000 # a\\r\\n\\r\\n$b=0.01btc\\n\",\"feerate\":\"slow\"}";

}  // namespace

TEST_CASE("one text opens what it says, under either name") {
  for (const bool spenderp : {true, false}) {
    World world(three_peers(spenderp));
    const auto text = "# my peers\r\n\r\n$a@=500000, $b= 0.01btc\t# two\n$c@ = *1";
    const auto opened = world.call("multifundchannel", given(text, R"("details":true,)"));
    CHECK(count(opened, "channel_ids") == 3);
    CHECK(worlds::says(worlds::listed(world), R"("amount_msat":1000000000,)"));
    worlds::check_invariants(world);
  }
}

TEST_CASE("a text that lightning-cli took for name=value opens what it says, under either name") {
  for (const bool spenderp : {true, false}) {
    CAPTURE(spenderp);
    World world(three_peers(spenderp));
    CHECK(count(world.call("multifundchannel", as_names), "channel_ids") == 2);
    worlds::check_invariants(world);
  }
}

TEST_CASE("an error in a text names line and column, by redirect and in a check, and nothing happens") {
  World world(three_peers(true));
  const std::string text = "$a@=500000\r\n  $b=500";
  const std::string message = "destinations, line 2, column 70: output would be dust (less than 546sat), got \"500\"";
  CHECK(error(world.call("multifundchannel", given(text))).message == message);
  const auto checked = world.call("check", given(text, R"("command_to_check":"multifundchannel-spark",)"));
  CHECK(error(checked).message == message);
  CHECK(error(checked).code == -32602);
  CHECK(world.call("check", given("$a@=500000", R"("command_to_check":"multifundchannel-spark",)")).ok());
  CHECK(worlds::calls(world, "connect") == 0);
  CHECK(worlds::listed(world) == R"({"batches":[]})");
}

TEST_CASE("a preview of a text, and of a list with texts in it") {
  World world(three_peers(true));
  CHECK(count(world.call("multifundchannel", given("$a@=500000 $b=40%", R"("dryrun":true,)")), "destinations") == 2);
  const auto mixed = world.call("multifundchannel", R"({"destinations":["$a@=500000",{"id":"$b","amount":"all",)"
                                                    R"("announce":false}],"dryrun":"ask"})");
  CHECK(count(mixed, "destinations") == 2);
  CHECK(worlds::says(field(mixed, "destinations"), R"("share":"all","announce":false)"));
  worlds::check_invariants(world);
}
