// What comes while a batch that waits is being finished, given up or forgotten.

#include <chrono>

#include "psbt/psbt.hpp"
#include "worlds.hpp"

using sim::Mishap;
using sim::World;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::calls;
using worlds::channels;
using worlds::field;
using worlds::of_batch;
using worlds::peer;
using worlds::says;
using worlds::state;
using worlds::with;

namespace {

constexpr auto confirm = R"("confirm":true)";

/// A batch of the node's own wallet that waits since a minute.
sim::Outcome prepare(World& world) {
  const auto prepared = world.call("multifundchannel", worlds::open({"a", "b"}, R"("send":false)"));
  world.run_for(minutes(1));
  return prepared;
}

/// `fault` befalls the first call of its method that comes after prepare().
sim::Setup then(sim::RpcFault fault) {
  auto setup = with({peer("a"), peer("b")});
  World before(setup);
  (void)prepare(before);
  fault.from = calls(before, fault.method) + 1;
  setup.rpc_faults = {fault};
  return setup;
}

/// A batch of the user's coins that waits since a minute.
sim::Outcome prepare_users(World& world) {
  const auto prepared = world.call("multifundchannel-prepare", worlds::open({"a", "b"}, R"("psbt":"$users_psbt")"));
  world.run_for(seconds(65));
  return prepared;
}

/// Its record is being removed, which takes for ever.
std::size_t forget(World& world, const sim::Outcome& prepared) {
  const auto forgetting = world.start("multifundchannel-forget", of_batch(prepared, confirm));
  world.run_for(seconds(1));
  CHECK(!world.outcome(forgetting).answered);
  return forgetting;
}

}  // namespace

TEST_CASE("a batch that is being forgotten is neither given up nor finished") {
  World world(then({.what = Mishap::stuck, .method = "deldatastore"}));
  const auto prepared = prepare(world);
  (void)forget(world, prepared);
  const auto given_up = world.call("multifundchannel-abort", of_batch(prepared, confirm));
  CHECK(says(worlds::error(given_up).message, "it is being finished or given up in this very moment"));
  CHECK(!world.call("multifundchannel-finish", of_batch(prepared)).ok());
  CHECK(calls(world, "sendpsbt") == 0);
}

TEST_CASE("a transaction that was refused is not told as sent while its batch is being forgotten") {
  auto setup = then({.what = Mishap::stuck, .method = "deldatastore"});
  setup.broadcasts = {sim::Broadcast::fails};
  World world(setup);
  const auto prepared = prepare(world);
  CHECK(!world.call("multifundchannel-finish", of_batch(prepared)).ok());
  (void)forget(world, prepared);
  const auto finished = world.call("multifundchannel-finish", of_batch(prepared));
  CHECK(says(worlds::error(finished).message, "in this very moment"));
}

TEST_CASE(
    "the end of the plugin while sendpsbt is not answered leaves its caller in doubt, not with an internal error") {
  World world(then({.what = Mishap::stuck, .method = "sendpsbt"}));
  const auto prepared = prepare(world);
  const auto finishing = world.start("multifundchannel-finish", of_batch(prepared));
  world.run_for(seconds(5));
  world.stop(sim::End::stop_plugin, seconds(5));
  world.run_for(seconds(1));
  CHECK(worlds::error(world.outcome(finishing)).code == 303);
  CHECK(says(worlds::error(world.outcome(finishing)).message, "It is not confirmed that the transaction was sent"));
}

TEST_CASE("the last look before sendpsbt is one of just now") {
  auto setup = with({peer("a"), peer("b", {{sim::Phase::opened, sim::Kind::refuse, true, seconds(70)}})});
  setup.users_coins = {bitcoin::Sat{3'000'000}};
  World before(setup);
  (void)prepare_users(before);
  // The first one is the look, the second one the last look.
  setup.rpc_faults = {{Mishap::late, "listpeerchannels", calls(before, "listpeerchannels") + 2, 1, 1, seconds(10)}};
  World world(setup);
  const auto prepared = prepare_users(world);
  const auto finished = world.call("multifundchannel-finish", worlds::signed_by_user(world, prepared));
  CHECK(says(worlds::error(finished).message, "no channel is left with"));
  CHECK(calls(world, "sendpsbt") == 0);
  worlds::check_invariants(world);
}

TEST_CASE("a sendpsbt that is carried out after its connection has gone is waited for") {
  auto setup = with({peer("a"), peer("b")});
  setup.users_coins = {bitcoin::Sat{3'000'000}};
  setup.rpc_faults = {{Mishap::cut_first, "sendpsbt", 1, 1, 1, seconds(5)}};
  World world(setup);
  const auto prepared = world.call("multifundchannel-prepare", worlds::open({"a", "b"}, R"("psbt":"$users_psbt")"));
  (void)world.start("multifundchannel-finish", worlds::signed_by_user(world, prepared));
  world.run_for(seconds(3));
  CHECK(!world.call("multifundchannel-abort", of_batch(prepared, confirm)).ok());
  world.run_for(minutes(5));
  CHECK(channels(world) == 2);
  CHECK(state(world) == "opened");
  worlds::check_invariants(world);
}

TEST_CASE("what was not written when a batch was to be forgotten is written before its transaction is signed") {
  auto setup = then({.what = Mishap::stuck, .method = "datastore"});
  setup.rpc_faults.push_back({.what = Mishap::refused, .method = "deldatastore"});
  World world(setup);
  const auto prepared = prepare(world);
  (void)world.start("multifundchannel-finish", of_batch(prepared));
  world.run_for(seconds(1));
  CHECK(!world.call("multifundchannel-forget", of_batch(prepared, confirm)).ok());
  world.run_for(minutes(5));
  CHECK(calls(world, "sendpsbt") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("who finishes in the middle of a look is answered when the batch is forgotten") {
  World world(then({.what = Mishap::held_up, .method = "getutxout", .delay = seconds(30)}));
  const auto prepared = prepare(world);
  world.run_for(seconds(4));  // the look is under way
  const auto finishing = world.start("multifundchannel-finish", of_batch(prepared));
  world.run_for(seconds(1));
  CHECK(!world.outcome(finishing).answered);
  CHECK(world.call("multifundchannel-forget", of_batch(prepared, confirm)).ok());
  CHECK(says(worlds::error(world.outcome(finishing)).message, "in this very moment"));
}

TEST_CASE("nobody is told that nothing was sent before the record says so") {
  World before(with({peer("a"), peer("b")}));
  (void)prepare(before);
  auto setup = with({peer("a"), peer("b")});
  // The first one is the finish, the second one the end of it.
  setup.rpc_faults = {{Mishap::stuck, "datastore", calls(before, "datastore") + 2, 1}};
  World world(setup);
  const auto prepared = prepare(world);
  for (auto& coin : world.node().core().wallet.coins()) {
    if (world.node().core().wallet.is_reserved(coin)) world.node().core().wallet.take(coin, 1'000, world.time().now());
  }
  const auto finishing = world.start("multifundchannel-finish", of_batch(prepared));
  world.run_for(seconds(30));
  CHECK(!world.outcome(finishing).answered);
  world.run_for(minutes(2));
  CHECK(worlds::error(world.outcome(finishing)).code == 303);
  CHECK(calls(world, "sendpsbt") == 0);
}

TEST_CASE("an abort that comes when the batch turns out to be sent changes nothing") {
  auto setup = with({peer("a"), peer("b")});
  setup.users_coins = {bitcoin::Sat{3'000'000}};
  World before(setup);
  (void)prepare_users(before);
  setup.rpc_faults = {{Mishap::held_up, "getutxout", calls(before, "getutxout") + 1, 2, 1, seconds(5)}};
  World world(setup);
  const auto prepared = prepare_users(world);
  const auto signed_psbt = psbt::Psbt::from_base64(world.node().core().users.sign(worlds::text(prepared, "psbt")));
  REQUIRE(world.call("sendpsbt", R"({"psbt":")" + signed_psbt->base64(2) + "\"}").ok());
  world.mine(1);
  world.run_for(seconds(1));
  const auto given_up = world.start("multifundchannel-abort", of_batch(prepared, confirm));
  world.run_for(minutes(5));
  CHECK(says(worlds::error(world.outcome(given_up)).message, "in this very moment"));
  CHECK(state(world) == "opened");
  CHECK(channels(world) == 2);
}
