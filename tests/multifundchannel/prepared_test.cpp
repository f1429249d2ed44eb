// Batches that wait for their user: another wallet pays, or the node's own with send=false.

#include <chrono>

#include "worlds.hpp"

using sim::World;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::calls;
using worlds::field;
using worlds::field_of_batch;
using worlds::peer;
using worlds::says;
using worlds::state;
using worlds::with;

namespace {

sim::Setup with_users_coins(std::vector<sim::PeerSetup> peers) {
  auto setup = with(std::move(peers));
  setup.users_coins = {bitcoin::Sat{3'000'000}, bitcoin::Sat{500'000}};
  return setup;
}

std::string prepare(const std::vector<std::string>& names, const std::string& more = "") {
  return worlds::open(names, R"("psbt":"$users_psbt")" + (more.empty() ? "" : "," + more));
}

std::string unquoted(const std::string& text) { return text.substr(1, text.size() - 2); }

std::string finish(World& world, const sim::Outcome& prepared) {
  return R"({"batch":)" + field(prepared, "batch") + R"(,"psbt":")" +
         world.node().core().users.sign(unquoted(field(prepared, "psbt"))) + "\"}";
}

std::string of_batch(const sim::Outcome& prepared, const std::string& more = "") {
  return R"({"batch":)" + field(prepared, "batch") + more + "}";
}

/// Whether a channel is withheld.
bool withheld(World& world) { return says(*world.call("listpeerchannels", "{}").result, R"("withheld":true)"); }

std::size_t channels(World& world) { return worlds::count(world.call("listpeerchannels", "{}"), "channels"); }

bool reserved(World& world) { return says(*world.call("listfunds", "{}").result, R"("reserved":true)"); }

}  // namespace

TEST_CASE("channels are secured with the user's coins, and the transaction is sent when it is signed") {
  World world(with_users_coins({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  REQUIRE(worlds::count(prepared, "channel_ids") == 2);
  CHECK(state(world) == "waiting");
  CHECK(withheld(world));
  CHECK(!reserved(world));
  world.run_for(hours(24));
  CHECK(calls(world, "sendpsbt") == 0);
  const auto finished = world.call("multifundchannel-finish", finish(world, prepared));
  CHECK(field(finished, "txid") == field(prepared, "txid"));
  CHECK(!withheld(world));
  CHECK(state(world) == "opened");
  CHECK(*world.call("multifundchannel-finish", of_batch(prepared)).result == *finished.result);
  CHECK(calls(world, "sendpsbt") == 1);
  CHECK(calls(world, "reserveinputs") == 0);
  worlds::check_invariants(world);
}

TEST_CASE("a batch that waits survives the plugin and the node") {
  World world(with_users_coins({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  SUBCASE("the plugin is killed") {
    world.kill_plugin();
    world.start_plugin();
  }
  SUBCASE("the node is killed") {
    world.kill_lightningd();
    world.start_lightningd();
  }
  world.run_for(minutes(10));
  CHECK(state(world) == "waiting");
  CHECK(withheld(world));
  CHECK(world.call("multifundchannel-finish", finish(world, prepared)).ok());
  CHECK(!withheld(world));
  worlds::check_invariants(world);
}

TEST_CASE("killed between the record and sendpsbt, it waits again, and can be finished again") {
  auto setup = with_users_coins({peer("a"), peer("b")});
  setup.rpc_faults = {{sim::Mishap::stuck, "sendpsbt", 1, 1}};
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  (void)world.start("multifundchannel-finish", finish(world, prepared));
  world.run_for(seconds(5));
  world.kill_plugin();
  world.start_plugin();
  world.run_for(minutes(2));
  CHECK(state(world) == "waiting");
  CHECK(world.call("multifundchannel-finish", finish(world, prepared)).ok());
  worlds::check_invariants(world);
}

TEST_CASE("what the user has broadcast is handed to sendpsbt once it is in a block") {
  World world(with_users_coins({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  const auto psbt = psbt::Psbt::from_base64(unquoted(field(prepared, "psbt")));
  REQUIRE(psbt.ok());
  (void)world.node().core().chain.submit(sim::RawPsbt::from(*psbt)->transaction());
  world.run_for(minutes(6));
  CHECK(says(worlds::listed(world), "is in the mempool, sent by another program"));
  const auto kept = world.call("multifundchannel-abort", of_batch(prepared, R"(,"confirm":true)"));
  CHECK(says(worlds::error(kept).message, "it can be finished, and not be given up"));
  world.mine(1);
  world.run_for(minutes(6));
  CHECK(!withheld(world));
  CHECK(channels(world) == 2);
  worlds::check_invariants(world);
}

TEST_CASE("a batch that waits is given up: nothing was sent, and nothing is left") {
  World world(with_users_coins({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  CHECK(field(world.call("multifundchannel-abort", of_batch(prepared)), "aborting") == "false");
  world.run_for(minutes(1));
  CHECK(state(world) == "waiting");
  CHECK(field(world.call("multifundchannel-abort", of_batch(prepared, R"(,"confirm":true)")), "aborting") == "true");
  world.run_for(minutes(10));
  CHECK(state(world) == "undone");
  CHECK(channels(world) == 0);
  CHECK(calls(world, "sendpsbt") == 0);
  const auto late = world.call("multifundchannel-finish", finish(world, prepared));
  CHECK(says(worlds::error(late).message, "has ended already: undone"));
  worlds::check_invariants(world);
}

TEST_CASE("with a channel gone it cannot be finished") {
  auto setup = with_users_coins({peer("a"), peer("b", {{sim::Phase::opened, sim::Kind::refuse, true, seconds(30)}})});
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  world.run_for(minutes(2));
  const auto refused = world.call("multifundchannel-finish", finish(world, prepared));
  CHECK(says(worlds::error(refused).message, "no channel is left with " + world.peer_id("b")));
  CHECK(calls(world, "sendpsbt") == 0);
  CHECK(state(world) == "waiting");
  worlds::check_invariants(world);
}

TEST_CASE("the node's own wallet waits with its signature, and keeps its coins meanwhile") {
  World world(with({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel", worlds::open({"a", "b"}, R"("send":false)"));
  REQUIRE(worlds::count(prepared, "channel_ids") == 2);
  CHECK(state(world) == "waiting");
  for (int block = 0; block < 400; ++block) {
    world.mine(1);
    world.run_for(minutes(2));
  }
  CHECK(calls(world, "signpsbt") == 0);
  CHECK(reserved(world));
  CHECK(withheld(world));
  SUBCASE("and is finished") {
    CHECK(field(world.call("multifundchannel-finish", of_batch(prepared)), "txid") == field(prepared, "txid"));
    CHECK(!withheld(world));
  }
  SUBCASE("and is given up") {
    CHECK(world.call("multifundchannel-abort", of_batch(prepared, R"(,"confirm":true)")).ok());
    world.run_for(minutes(10));
    CHECK(state(world) == "undone");
    CHECK(!reserved(world));
    CHECK(channels(world) == 0);
  }
  worlds::check_invariants(world);
}

TEST_CASE("below the mempool's floor it is not sent, and waits") {
  World world(with_users_coins({peer("a")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  world.node().core().setup.feerate_floor = 20'000;
  const auto refused = world.call("multifundchannel-finish", finish(world, prepared));
  CHECK(!refused.ok());
  CHECK(state(world) == "waiting");
  CHECK(withheld(world));
  world.node().core().setup.feerate_floor = 253;
  CHECK(world.call("multifundchannel-finish", finish(world, prepared)).ok());
  worlds::check_invariants(world);
}

TEST_CASE("a lightningd that cannot withhold channels cannot wait") {
  auto setup = with_users_coins({peer("a")});
  setup.version = "v25.09";
  World world(setup);
  for (const auto& refused : {world.call("multifundchannel-prepare", prepare({"a"})),
                              world.call("multifundchannel", worlds::open({"a"}, R"("send":false)"))}) {
    CHECK(says(worlds::error(refused).message, "cannot withhold channels"));
    CHECK(worlds::error(refused).code == -32602);
  }
  CHECK(calls(world, "connect") == 0);
  worlds::check_invariants(world);
}

TEST_CASE("with a coin spent elsewhere it is not sent, and can be given up") {
  World world(with_users_coins({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  const auto psbt = psbt::Psbt::from_base64(unquoted(field(prepared, "psbt")));
  REQUIRE(psbt.ok());
  bitcoin::Transaction elsewhere;
  elsewhere.inputs.push_back(psbt->inputs()[0]);
  elsewhere.outputs.push_back({bitcoin::Sat{400'000}, {0x51}});
  (void)world.node().core().chain.submit(elsewhere);
  world.run_for(minutes(6));
  CHECK(says(worlds::listed(world), "bitcoind does not show one of its inputs"));
  const auto refused = world.call("multifundchannel-finish", finish(world, prepared));
  CHECK(says(worlds::error(refused).message, "the batch can only be aborted"));
  CHECK(calls(world, "sendpsbt") == 0);
  CHECK(world.call("multifundchannel-abort", of_batch(prepared, R"(,"confirm":true)")).ok());
  world.run_for(minutes(10));
  CHECK(state(world) == "undone");
  worlds::check_invariants(world);
}

TEST_CASE("while bitcoind is away nothing is given up: the user may have sent it") {
  auto setup = with_users_coins({peer("a")});
  setup.rpc_faults = {{sim::Mishap::refused, "getutxout", 3, 1'000}};  // the coins are looked at before
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  REQUIRE(prepared.ok());
  const auto kept = world.call("multifundchannel-abort", of_batch(prepared, R"(,"confirm":true)"));
  CHECK(says(worlds::error(kept).message, "bitcoind shows none of its inputs"));
  const auto refused = world.call("multifundchannel-finish", finish(world, prepared));
  CHECK(says(worlds::error(refused).message, "bitcoind shows none of its inputs"));
  CHECK(channels(world) == 1);
  CHECK(withheld(world));
  worlds::check_invariants(world);
}

TEST_CASE("after 2,016 blocks its peers have forgotten it") {
  World world(with_users_coins({peer("a")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  const auto deadline = std::stoul(field(prepared, "deadline_block"));
  CHECK(deadline == world.node().core().wallet.height + 2016);
  world.mine(1'000);
  world.run_for(minutes(1));
  CHECK(says(worlds::listed(world), "its peers forget it at block " + std::to_string(deadline)));
  world.mine(1'016);
  world.run_for(minutes(1));
  const auto refused = world.call("multifundchannel-finish", finish(world, prepared));
  CHECK(says(worlds::error(refused).message, "its peers may have forgotten its channels"));
  CHECK(calls(world, "sendpsbt") == 0);
  CHECK(world.call("multifundchannel-abort", of_batch(prepared, R"(,"confirm":true)")).ok());
  worlds::check_invariants(world);
}

TEST_CASE("payments go out with the channels that the user's coins pay for") {
  World world(with_users_coins({peer("a")}));
  const auto prepared = world.call(
      "multifundchannel-prepare",
      prepare(
          {"a"},
          R"("outputs":[{"address":"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080","amount":70000,"label":"rent"}])"));
  CHECK(worlds::count(prepared, "outputs") == 1);
  CHECK(worlds::count(prepared, "all_outputs") == 3);
  CHECK(says(field(prepared, "csv"), "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080,0.00070000,rent"));
  CHECK(world.call("multifundchannel-finish", finish(world, prepared)).ok());
  worlds::check_invariants(world);
}

TEST_CASE("a peer that gives up between the look and sendpsbt keeps the transaction from being sent") {
  auto setup = with_users_coins({peer("a"), peer("b", {{sim::Phase::opened, sim::Kind::refuse, true, seconds(30)}})});
  setup.rpc_faults = {{sim::Mishap::late, "feerates", 2, 1, 1, seconds(8)}};  // that of the finish
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  world.run_for(seconds(25));
  const auto refused = world.call("multifundchannel-finish", finish(world, prepared));
  CHECK(says(worlds::error(refused).message, "no channel is left with " + world.peer_id("b")));
  CHECK(calls(world, "sendpsbt") == 0);
  CHECK(state(world) == "waiting");
  worlds::check_invariants(world);
}

TEST_CASE("a change that would be lost is refused") {
  World world(with_users_coins({peer("a")}));
  auto psbt = psbt::Psbt::from_base64(world.node().core().users.psbt(false));
  REQUIRE(psbt.ok());
  psbt->insert_output(0, {bitcoin::Sat{1'000}, {0x6a, 0x01, 0x41}});  // OP_RETURN
  const auto refused =
      world.call("multifundchannel-prepare", worlds::open({"a"}, R"("psbt":")" + psbt->base64(0) + "\""));
  CHECK(says(worlds::error(refused).message, "its change would be lost"));
  CHECK(worlds::error(refused).code == -32602);
  worlds::check_invariants(world);
}
