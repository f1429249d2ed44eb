// Batches that wait for their user: another wallet pays, or the node's own with send=false.

#include <chrono>
#include <list>

#include "bitcoin/address.hpp"
#include "sim/raw_psbt.hpp"
#include "worlds.hpp"

using sim::World;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::calls;
using worlds::channels;
using worlds::field;
using worlds::field_of_batch;
using worlds::of_batch;
using worlds::peer;
using worlds::reserved;
using worlds::says;
using worlds::signed_by_user;
using worlds::state;
using worlds::text;
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

/// Whether a channel is withheld.
bool withheld(World& world) { return says(*world.call("listpeerchannels", "{}").result, R"("withheld":true)"); }

}  // namespace

TEST_CASE("channels are secured with the user's coins, and the transaction is sent when it is signed") {
  World world(with_users_coins({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  REQUIRE(worlds::count(prepared, "channel_ids") == 2);
  CHECK(state(world) == "waiting");
  CHECK(withheld(world));
  CHECK(reserved(world) == 0);
  world.run_for(hours(24));
  CHECK(calls(world, "sendpsbt") == 0);
  const auto finished = world.call("multifundchannel-finish", signed_by_user(world, prepared));
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
  CHECK(world.call("multifundchannel-finish", signed_by_user(world, prepared)).ok());
  CHECK(!withheld(world));
  worlds::check_invariants(world);
}

TEST_CASE("killed between the record and sendpsbt, it waits again, and can be finished again") {
  auto setup = with_users_coins({peer("a"), peer("b")});
  setup.rpc_faults = {{sim::Mishap::stuck, "sendpsbt", 1, 1}};
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  (void)world.start("multifundchannel-finish", signed_by_user(world, prepared));
  world.run_for(seconds(5));
  world.kill_plugin();
  world.start_plugin();
  world.run_for(minutes(2));
  CHECK(state(world) == "waiting");
  CHECK(world.call("multifundchannel-finish", signed_by_user(world, prepared)).ok());
  worlds::check_invariants(world);
}

TEST_CASE("what the user has broadcast is handed to sendpsbt once it is in a block") {
  World world(with_users_coins({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  const auto psbt = psbt::Psbt::from_base64(text(prepared, "psbt"));
  REQUIRE(psbt.ok());
  (void)world.node().core().chain.submit(sim::RawPsbt::from(*psbt)->transaction());
  world.run_for(minutes(6));
  CHECK(says(worlds::listed(world), "is in the mempool, sent by another program"));
  const auto kept = world.call("multifundchannel-abort", of_batch(prepared, R"("confirm":true)"));
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
  CHECK(field(world.call("multifundchannel-abort", of_batch(prepared, R"("confirm":true)")), "aborting") == "true");
  world.run_for(minutes(10));
  CHECK(state(world) == "undone");
  CHECK(channels(world) == 0);
  CHECK(calls(world, "sendpsbt") == 0);
  const auto late = world.call("multifundchannel-finish", signed_by_user(world, prepared));
  CHECK(says(worlds::error(late).message, "has ended already: undone"));
  worlds::check_invariants(world);
}

TEST_CASE("with a channel gone it cannot be finished") {
  auto setup = with_users_coins({peer("a"), peer("b", {{sim::Phase::opened, sim::Kind::refuse, true, seconds(30)}})});
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  world.run_for(minutes(2));
  const auto refused = world.call("multifundchannel-finish", signed_by_user(world, prepared));
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
  CHECK(reserved(world) > 0);
  CHECK(withheld(world));
  SUBCASE("and is finished") {
    CHECK(field(world.call("multifundchannel-finish", of_batch(prepared)), "txid") == field(prepared, "txid"));
    CHECK(!withheld(world));
  }
  SUBCASE("and is given up") {
    CHECK(world.call("multifundchannel-abort", of_batch(prepared, R"("confirm":true)")).ok());
    world.run_for(minutes(10));
    CHECK(state(world) == "undone");
    CHECK(reserved(world) == 0);
    CHECK(channels(world) == 0);
  }
  worlds::check_invariants(world);
}

TEST_CASE("below the mempool's floor it is not sent, and waits") {
  World world(with_users_coins({peer("a")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  world.node().core().setup.feerate_floor = 20'000;
  const auto refused = world.call("multifundchannel-finish", signed_by_user(world, prepared));
  CHECK(!refused.ok());
  CHECK(state(world) == "waiting");
  CHECK(withheld(world));
  world.node().core().setup.feerate_floor = 253;
  CHECK(world.call("multifundchannel-finish", signed_by_user(world, prepared)).ok());
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
  const auto psbt = psbt::Psbt::from_base64(text(prepared, "psbt"));
  REQUIRE(psbt.ok());
  bitcoin::Transaction elsewhere;
  elsewhere.inputs.push_back(psbt->inputs()[0]);
  elsewhere.outputs.push_back({bitcoin::Sat{400'000}, {0x51}});
  (void)world.node().core().chain.submit(elsewhere);
  world.run_for(minutes(6));
  CHECK(says(worlds::listed(world), "bitcoind does not show one of its inputs"));
  const auto refused = world.call("multifundchannel-finish", signed_by_user(world, prepared));
  CHECK(says(worlds::error(refused).message, "the batch can only be aborted"));
  CHECK(calls(world, "sendpsbt") == 0);
  CHECK(world.call("multifundchannel-abort", of_batch(prepared, R"("confirm":true)")).ok());
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
  const auto kept = world.call("multifundchannel-abort", of_batch(prepared, R"("confirm":true)"));
  CHECK(says(worlds::error(kept).message, "bitcoind cannot be asked about its inputs"));
  const auto refused = world.call("multifundchannel-finish", signed_by_user(world, prepared));
  CHECK(says(worlds::error(refused).message, "bitcoind cannot be asked about its inputs"));
  CHECK(channels(world) == 1);
  CHECK(withheld(world));
  worlds::check_invariants(world);
}

TEST_CASE("with all coins spent elsewhere nothing proves that it was not sent") {
  World world(with_users_coins({peer("a")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  const auto psbt = psbt::Psbt::from_base64(text(prepared, "psbt"));
  REQUIRE(psbt.ok());
  bitcoin::Transaction elsewhere;
  elsewhere.inputs = psbt->inputs();
  elsewhere.outputs.push_back({bitcoin::Sat{400'000}, {0x51}});
  (void)world.node().core().chain.submit(elsewhere);
  const auto kept = world.call("multifundchannel-abort", of_batch(prepared, R"("confirm":true)"));
  CHECK(says(worlds::error(kept).message, "bitcoind shows none of its inputs"));
  const auto refused = world.call("multifundchannel-finish", signed_by_user(world, prepared));
  CHECK(says(worlds::error(refused).message, "bitcoind shows none of its inputs"));
  CHECK(calls(world, "sendpsbt") == 0);
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
  const auto refused = world.call("multifundchannel-finish", signed_by_user(world, prepared));
  CHECK(says(worlds::error(refused).message, "its peers may have forgotten its channels"));
  CHECK(calls(world, "sendpsbt") == 0);
  CHECK(world.call("multifundchannel-abort", of_batch(prepared, R"("confirm":true)")).ok());
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
  CHECK(world.call("multifundchannel-finish", signed_by_user(world, prepared)).ok());
  worlds::check_invariants(world);
}

TEST_CASE("a peer that gives up between the look and sendpsbt keeps the transaction from being sent") {
  auto setup = with_users_coins({peer("a"), peer("b", {{sim::Phase::opened, sim::Kind::refuse, true, seconds(30)}})});
  setup.rpc_faults = {{sim::Mishap::late, "feerates", 2, 1, 1, seconds(8)}};  // that of the finish
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  world.run_for(seconds(25));
  const auto refused = world.call("multifundchannel-finish", signed_by_user(world, prepared));
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

// --- What bitcoind would refuse after the channels are released ---

namespace {

/// The user's PSBT with its transaction changed: its version, the sequence of its first input, and its locktime.
std::string changed(World& world, std::uint32_t version, std::uint32_t sequence, std::uint32_t locktime) {
  const auto psbt = psbt::Psbt::from_base64(world.node().core().users.psbt(true));
  REQUIRE(psbt.ok());
  auto raw = sim::RawPsbt::from(*psbt);
  REQUIRE(raw);
  auto transaction = raw->transaction();
  transaction.version = version;
  transaction.inputs[0].sequence = sequence;
  transaction.locktime = locktime;
  auto made = sim::RawPsbt(transaction);
  for (std::size_t i = 0; i < transaction.inputs.size(); ++i) {
    sim::Coin coin;
    coin.amount = *psbt->input_amount(i);
    coin.script = *psbt->input_script(i);
    made.describe(i, coin);
  }
  return R"("psbt":")" + made.base64() + '"';
}

/// The signed PSBT with this witness in the place of its first one.
std::string with_witness(World& world, const sim::Outcome& prepared, const std::string& hex) {
  auto psbt = psbt::Psbt::from_base64(world.node().core().users.sign(text(prepared, "psbt")));
  REQUIRE(psbt.ok());
  const auto transaction = sim::RawPsbt::from(*psbt)->final_transaction();
  auto signed_tx = bitcoin::SignedTransaction::parse(transaction);
  REQUIRE(signed_tx);
  signed_tx->witnesses[0] = *util::from_hex(hex);
  return R"({"batch":)" + field(prepared, "batch") + R"(,"psbt":")" + psbt::Psbt::of(*signed_tx).base64(0) + "\"}";
}

constexpr std::uint32_t usual = 0xFFFFFFFD;

}  // namespace

TEST_CASE("a transaction that bitcoind would not take yet, or never, is not prepared") {
  World world(with_users_coins({peer("a")}));
  const auto height = world.node().core().wallet.height;
  const auto refused = [&world](const std::string& psbt, const std::string& why) {
    const auto outcome = world.call("multifundchannel-prepare", worlds::open({"a"}, psbt));
    REQUIRE_FALSE(outcome.ok());
    CHECK_MESSAGE(says(worlds::error(outcome).message, why), worlds::error(outcome).message);
    CHECK(says(worlds::error(outcome).message, "psbt: "));
    CHECK(worlds::error(outcome).code == -32602);
  };
  const auto later = std::to_string(height + 7);
  refused(changed(world, 2, usual, height + 7), "its locktime is " + later + ", and the chain is at block ");
  refused(changed(world, 2, usual, 4'000'000'000), "a time that is not two hours past");
  refused(changed(world, 0, usual, 0), "is a transaction of version 0: it must be of version 2");
  refused(changed(world, 1, usual, 0), "is a transaction of version 1: it must be of version 2");
  refused(changed(world, 3, usual, 0), "is a transaction of version 3: it must be of version 2");
  refused(changed(world, 2, 144, 0), "asks to wait for 144 blocks after its coin was confirmed (sequence 144, BIP 68)");
  refused(changed(world, 2, (1u << 22) | 10, 0), "asks to wait for 5120 seconds after its coin was confirmed");
  CHECK(calls(world, "fundchannel_start") == 0);
  CHECK(channels(world) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("a locktime that has passed, or that no input asks for, is none") {
  World world(with_users_coins({peer("a")}));
  const auto height = world.node().core().wallet.height;
  std::string psbt;
  SUBCASE("this block, as wallets write it") { psbt = changed(world, 2, usual, height); }
  SUBCASE("long past") { psbt = changed(world, 2, usual, 1'500'000'000); }
  CHECK(world.call("multifundchannel-prepare", worlds::open({"a"}, psbt)).ok());
  worlds::check_invariants(world);
}

TEST_CASE("a locktime that lightningd has not seen come waits until it has") {
  World world(with_users_coins({peer("a")}));
  const auto height = world.node().core().wallet.height;
  const auto prepared =
      world.call("multifundchannel-prepare", worlds::open({"a"}, changed(world, 2, usual, height + 2)));
  REQUIRE(prepared.ok());
  const auto refused = world.call("multifundchannel-finish", signed_by_user(world, prepared));
  CHECK(says(worlds::error(refused).message, "psbt: its locktime is " + std::to_string(height + 2)));
  CHECK(calls(world, "sendpsbt") == 0);
  CHECK(withheld(world));
  world.mine(2);
  world.run_for(minutes(1));
  CHECK(world.call("multifundchannel-finish", signed_by_user(world, prepared)).ok());
  worlds::check_invariants(world);
}

TEST_CASE("what is no witness of the coin is refused before the channels are released") {
  World world(with_users_coins({peer("a")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  const std::string sig = "4730440220" + std::string(64, '1') + "0220" + std::string(64, '1');
  const std::string key = "2102" + std::string(64, 'a');
  for (const auto& [witness, why] : std::vector<std::pair<std::string, std::string>>{
           {"00", "its witness is empty, or damaged"},
           {"0101cc", "its witness has 1 items, not a signature and a key"},
           {"02" + sig + "01" + key, "its key is not the one that the coin is for"},
           {"02" + sig + "01" + "2002" + std::string(62, 'a'), "its key has 32 bytes, not 33"}}) {
    const auto refused = world.call("multifundchannel-finish", with_witness(world, prepared, witness));
    REQUIRE_FALSE(refused.ok());
    CHECK_MESSAGE(says(worlds::error(refused).message, "psbt: input 0: " + why), worlds::error(refused).message);
    CHECK(worlds::error(refused).code == -32602);
  }
  CHECK(calls(world, "sendpsbt") == 0);
  CHECK(state(world) == "waiting");
  CHECK(withheld(world));
  CHECK(world.call("multifundchannel-finish", signed_by_user(world, prepared)).ok());
  worlds::check_invariants(world);
}

// --- Finished once more ---

TEST_CASE("whoever finishes at the same time gets the same answer") {
  auto setup = with_users_coins({peer("a"), peer("b")});
  setup.rpc_faults = {{sim::Mishap::held_up, "sendpsbt", 1, 1, 1, seconds(5)}};
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  const auto signed_psbt = signed_by_user(world, prepared);
  const auto first = world.start("multifundchannel-finish", signed_psbt);
  const auto second = world.call("multifundchannel-finish", signed_psbt);
  REQUIRE_MESSAGE(second.ok(), second.result.error().message);
  CHECK(field(second, "txid") == field(prepared, "txid"));
  CHECK(*world.outcome(first).result == *second.result);
  CHECK(calls(world, "sendpsbt") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("the node's own batch is finished once more while it is being sent") {
  auto setup = with({peer("a"), peer("b")});
  setup.rpc_faults = {{sim::Mishap::held_up, "signpsbt", 1, 1, 1, seconds(5)}};
  World world(setup);
  const auto prepared = world.call("multifundchannel", worlds::open({"a", "b"}, R"("send":false)"));
  (void)world.start("multifundchannel-finish", of_batch(prepared));
  world.run_for(seconds(1));
  const auto second = world.call("multifundchannel-finish", of_batch(prepared));
  REQUIRE_MESSAGE(second.ok(), second.result.error().message);
  CHECK(field(second, "txid") == field(prepared, "txid"));
  CHECK(calls(world, "sendpsbt") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("nothing is sent or undone before the record says so, though a look is due meanwhile") {
  const auto prepare_own = [](World& world) {
    const auto prepared = world.call("multifundchannel", worlds::open({"a", "b"}, R"("send":false)"));
    world.run_for(minutes(1));
    return prepared;
  };
  auto setup = with({peer("a"), peer("b")});
  World before(setup);
  (void)prepare_own(before);
  const auto written = calls(before, "datastore");
  setup.rpc_faults = {{sim::Mishap::held_up, "datastore", written + 1, 1, 1, seconds(50)}};
  World world(setup);
  const auto prepared = prepare_own(world);
  const auto nothing_happened = [&] {
    return calls(world, "datastore") == written && calls(world, "signpsbt") == 0 && channels(world) == 2;
  };
  SUBCASE("it is finished") {
    const auto finishing = world.start("multifundchannel-finish", of_batch(prepared));
    world.run_for(seconds(45));
    CHECK(nothing_happened());
    world.run_for(seconds(15));
    CHECK(field(world.outcome(finishing), "txid") == field(prepared, "txid"));
    CHECK(calls(world, "sendpsbt") == 1);
  }
  SUBCASE("it is given up") {
    const auto giving_up = world.start("multifundchannel-abort", of_batch(prepared, R"("confirm":true)"));
    world.run_for(seconds(45));
    CHECK(nothing_happened());
    world.run_for(minutes(2));
    CHECK(field(world.outcome(giving_up), "aborting") == "true");
    CHECK(state(world) == "undone");
    CHECK(channels(world) == 0);
  }
  worlds::check_invariants(world);
}

TEST_CASE("finished once more when its record is gone and the plugin was restarted") {
  World world(with_users_coins({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  const auto signed_psbt = signed_by_user(world, prepared);
  const auto finished = world.call("multifundchannel-finish", signed_psbt);
  REQUIRE(finished.ok());
  world.run_for(minutes(10));
  world.kill_plugin();
  world.start_plugin();
  world.run_for(minutes(1));
  const auto again = world.call("multifundchannel-finish", signed_psbt);
  REQUIRE_MESSAGE(again.ok(), again.result.error().message);
  CHECK(field(again, "txid") == field(finished, "txid"));
  CHECK(worlds::count(again, "channel_ids") == 2);
  CHECK(says(worlds::error(world.call("multifundchannel-finish", of_batch(prepared))).message, "there is none"));
  CHECK(calls(world, "sendpsbt") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("what was opened, closed and forgotten does not wait again") {
  auto setup = with_users_coins({peer("a")});
  setup.rpc_faults = {{sim::Mishap::stuck, "deldatastore", 1, 100}};
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  const auto signed_psbt = signed_by_user(world, prepared);
  REQUIRE(world.call("multifundchannel-finish", signed_psbt).ok());
  world.kill_plugin();
  world.mine(1);
  world.run_for(minutes(1));
  auto& core = world.node().core();
  const auto psbt = psbt::Psbt::from_base64(text(prepared, "psbt"));
  REQUIRE(psbt.ok());
  bitcoin::Transaction closing;
  for (std::uint32_t i = 0; i < psbt->outputs().size(); ++i) closing.inputs.push_back({{psbt->txid(), i}});
  closing.outputs.push_back({bitcoin::Sat{1'000'000}, {0x51}});
  (void)core.chain.submit(closing);
  for (auto& one : core.peers.all()) one.channels.clear();
  world.start_plugin();
  world.run_for(minutes(10));
  CHECK(state(world) != "waiting");
  const auto again = world.call("multifundchannel-finish", signed_psbt);
  REQUIRE_MESSAGE(again.ok(), again.result.error().message);
  CHECK(field(again, "txid") == field(prepared, "txid"));
}

// --- What is not known ---

TEST_CASE("a question to bitcoind that fails once is asked again, and proves nothing") {
  auto setup = with_users_coins({peer("a")});
  // Two before the peers are asked; then the funding output and two inputs.
  std::uint64_t count = 0;
  SUBCASE("once") { count = 1; }
  SUBCASE("for long") { count = 1'000; }
  setup.rpc_faults = {{sim::Mishap::refused, "getutxout", 4, count}};
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  REQUIRE(prepared.ok());
  const auto outcome = world.call("multifundchannel-finish", signed_by_user(world, prepared));
  if (count == 1) {
    CHECK(outcome.ok());
  } else {
    CHECK(says(worlds::error(outcome).message, "bitcoind cannot be asked about its inputs"));
    const auto kept = world.call("multifundchannel-abort", of_batch(prepared, R"("confirm":true)"));
    CHECK(says(worlds::error(kept).message, "bitcoind cannot be asked about its inputs"));
    CHECK(withheld(world));
  }
  worlds::check_invariants(world);
}

TEST_CASE("a channel that is shown again was not gone") {
  World world(with_users_coins({peer("a"), peer("b")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a", "b"}));
  auto& shown = world.node().core().peers.by_name("a")->channels;
  std::list<sim::Channel> hidden;
  hidden.splice(hidden.end(), shown);
  world.run_for(minutes(6));
  CHECK(says(worlds::listed(world), "the channel is gone: its peer has given it up"));
  shown.splice(shown.end(), hidden);
  world.run_for(minutes(6));
  CHECK(!says(worlds::listed(world), "the channel is gone"));
  CHECK(worlds::count(world.call("multifundchannel-finish", signed_by_user(world, prepared)), "channel_ids") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("when lightningd does not tell its coins, none of the user's is taken for another's") {
  auto setup = with_users_coins({peer("a")});
  setup.rpc_faults = {{sim::Mishap::refused, "listfunds", 1, 10}};
  World world(setup);
  const auto refused = world.call("multifundchannel-prepare", prepare({"a"}));
  REQUIRE_FALSE(refused.ok());
  CHECK(says(worlds::error(refused).message, "psbt: its coins cannot be checked: listfunds: an error that nobody"));
  CHECK(channels(world) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("abort and forget wait for the batches of before the start, as finish does") {
  World world(with_users_coins({peer("a")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  world.kill_plugin();
  world.start_plugin();
  SUBCASE("abort") {
    CHECK(world.call("multifundchannel-abort", of_batch(prepared, R"("confirm":true)")).ok());
    world.run_for(minutes(10));
    CHECK(state(world) == "undone");
  }
  SUBCASE("forget") { CHECK(world.call("multifundchannel-forget", of_batch(prepared)).ok()); }
  worlds::check_invariants(world);
}

// --- What the caller is told, and may give ---

TEST_CASE("a label with commas, quotes or a formula is one field of the CSV") {
  World world(with_users_coins({peer("a")}));
  const auto prepared = world.call(
      "multifundchannel-prepare",
      prepare(
          {"a"},
          R"("outputs":[{"address":"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080","amount":70000,)"
          R"("label":"rent, \"May\""},{"address":"bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry",)"
          R"("amount":70000,"label":"=1+1"}])"));
  const auto document = json::Document::parse(*prepared.result, "result");
  const auto csv = document->root().find("csv")->string();
  REQUIRE(csv);
  CHECK_MESSAGE(says(std::string(*csv), ",0.00070000,\"rent, \"\"May\"\"\"\n"), *csv);
  CHECK_MESSAGE(says(std::string(*csv), ",0.00070000,\"'=1+1\"\n"), *csv);
  worlds::check_invariants(world);
}

namespace {

// P2PKH and P2SH.
const std::string key_address = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
                  script_address = "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc";

}  // namespace

// Below the dust of its own script, which is more than that of a segwit output.
TEST_CASE("a change to P2PKH or P2SH that would be dust becomes fee, whatever is left") {
  for (const auto& address : {key_address, script_address}) {
    std::size_t with_change = 0, without = 0;
    for (std::uint64_t rest = 400; rest < 2'000; rest += 9) {
      CAPTURE(rest);
      auto setup = with({peer("a")});
      setup.users_coins = {bitcoin::Sat{1'000'000 + rest}};
      World world(setup);
      const auto prepared = world.call(
          "multifundchannel-prepare",
          worlds::open({"a"}, R"("feerate":"1000perkw","psbt":"$users_psbt_without_change","change_address":")" +
                                  address + '"'));
      if (!prepared.ok() && worlds::error(prepared).code == 301) continue;
      (worlds::count(prepared, "all_outputs") == 2 ? with_change : without) += 1;
      worlds::check_invariants(world);
    }
    CHECK(without > 60);
    CHECK(with_change > 60);
  }
}

TEST_CASE("the change is told by the address that the user has typed, or by that of its script") {
  const std::string capitals = "BCRT1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KYGT080";
  for (const auto& address : {key_address, script_address, capitals}) {
    CAPTURE(address);
    World world(with_users_coins({peer("a")}));
    auto psbt = psbt::Psbt::from_base64(world.node().core().users.psbt(false));
    REQUIRE(psbt.ok());
    const auto typed =
        world.call("multifundchannel-prepare",
                   worlds::open({"a"}, R"("psbt":")" + psbt->base64(0) + R"(","change_address":")" + address + '"'));
    CHECK(says(field(typed, "csv"), "\\n" + address + ","));
    CHECK(says(field(typed, "all_outputs"), R"("address":")" + address + '"'));
    REQUIRE(world.call("multifundchannel-abort", of_batch(typed, R"("confirm":true)")).ok());
    world.run_for(minutes(10));
    psbt->insert_output(0, {bitcoin::Sat{1'000}, bitcoin::parse_address(address)->script});
    const auto given =
        world.call("multifundchannel-prepare", worlds::open({"a"}, R"("psbt":")" + psbt->base64(0) + '"'));
    const auto shown = address == capitals ? "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080" : address;
    CHECK(says(field(given, "csv"), "\\n" + shown + ","));
  }
}

TEST_CASE("a change_address takes what is left of a PSBT without an output") {
  World world(with_users_coins({peer("a")}));
  const auto with_one = psbt::Psbt::from_base64(world.node().core().users.psbt(true));
  REQUIRE(with_one.ok());
  const auto address = *bitcoin::segwit_address(with_one->outputs()[0].script, "regtest");
  const auto bare = R"("psbt":")" + world.node().core().users.psbt(false) + '"';
  const auto to = [](const std::string& text) { return R"(,"change_address":")" + text + '"'; };
  const auto refused = [&world](const std::string& more, const std::string& why) {
    const auto outcome = world.call("multifundchannel-prepare", worlds::open({"a"}, more));
    REQUIRE_FALSE(outcome.ok());
    CHECK_MESSAGE(says(worlds::error(outcome).message, why), worlds::error(outcome).message);
    CHECK(worlds::error(outcome).code == -32602);
  };
  refused(bare, "give it an output for the change, whose amount is set then, or `change_address`");
  refused(bare + to("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
          "change_address: is not an address of this network, regtest");
  refused(bare + to("nonsense"), "change_address: ");
  refused(R"("psbt":"$users_psbt")" + to(address), "change_address: the PSBT has an output for the change already");
  refused(bare + to(address) + R"(,"outputs":[{"address":")" + address + R"(","amount":1000}])",
          "change_address: is one of those in `outputs`");
  CHECK(calls(world, "fundchannel_start") == 0);
  const auto prepared = world.call("multifundchannel-prepare", worlds::open({"a"}, bare + to(address)));
  CHECK(says(field(prepared, "csv"), address + ","));
  CHECK(worlds::count(prepared, "all_outputs") == 2);
  CHECK(world.call("multifundchannel-finish", signed_by_user(world, prepared)).ok());
  worlds::check_invariants(world);
}

// --- What the PSBT says of its coins, and what is so ---

namespace {

/// A PSBT of the user's that spends this outpoint, and says that it is this output.
std::string spending(const bitcoin::Outpoint& outpoint, bitcoin::Sat amount, const util::Bytes& script) {
  bitcoin::Transaction transaction;
  transaction.version = 2;
  transaction.inputs = {{outpoint, usual}};
  sim::RawPsbt raw(transaction);
  sim::Coin coin;
  coin.amount = amount;
  coin.script = script;
  raw.describe(0, coin);
  return R"("psbt":")" + raw.base64() + '"';
}

}  // namespace

TEST_CASE("a coin that is not as the PSBT says is refused before any channel is begun") {
  World world(with_users_coins({peer("a")}));
  const auto psbt = psbt::Psbt::from_base64(world.node().core().users.psbt(false));
  REQUIRE(psbt.ok());
  const auto outpoint = psbt->inputs()[0].outpoint;
  const auto amount = *psbt->input_amount(0);
  const auto script = *psbt->input_script(0);
  const auto refusal = [&world](const std::string& given) {
    const auto error = worlds::error(world.call("multifundchannel-prepare", worlds::open({"a"}, given)));
    CHECK(error.code == -32602);
    return error.message;
  };
  CHECK(
      says(refusal(spending(outpoint, amount + bitcoin::Sat{1}, script)),
           util::str("input 0 (", outpoint.str(), ") has ", amount.value, " sat, and not ", amount.value + 1, " sat")));
  auto other = script;
  other.back() ^= 1;
  CHECK(says(refusal(spending(outpoint, amount, other)), "has another script than the PSBT says"));
  CHECK(says(refusal(spending({outpoint.txid, 7}, amount, script)), "is spent, or bitcoind does not know it"));
  CHECK(calls(world, "fundchannel_start") == 0);
  // In the chain, too: the change of a batch.
  REQUIRE(world.call("multifundchannel", worlds::open({"a"})).ok());
  world.mine(1);
  const auto& coins = world.node().core().wallet.coins();
  const auto own = *std::find_if(coins.begin(), coins.end(),
                                 [](const auto& coin) { return coin.state == sim::Coin::State::available; });
  CHECK(says(refusal(spending(own.outpoint, own.amount, own.script)),
             "is a coin of this node's own wallet: leave it to multifundchannel, with utxos and send=false"));
  CHECK(calls(world, "fundchannel_start") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("the signed PSBT of another transaction is refused, and the batch goes on waiting") {
  World world(with_users_coins({peer("a")}));
  const auto prepared = world.call("multifundchannel-prepare", prepare({"a"}));
  auto& users = world.node().core().users;
  const auto other = users.sign(users.psbt(true));
  const auto refused = world.call("multifundchannel-finish", of_batch(prepared, R"("psbt":")" + other + '"'));
  CHECK(worlds::error(refused).code == -32602);
  CHECK(says(worlds::error(refused).message, "and the batch waits for " + text(prepared, "txid")));
  CHECK(state(world) == "waiting");
  CHECK(calls(world, "sendpsbt") == 0);
  CHECK(field(world.call("multifundchannel-finish", signed_by_user(world, prepared)), "txid") ==
        field(prepared, "txid"));
  worlds::check_invariants(world);
}
