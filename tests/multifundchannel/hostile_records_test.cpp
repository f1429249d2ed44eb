// Records that others have written, and a lightningd that does not give the key by which they are told.

#include "worlds.hpp"

using sim::Forgery;
using sim::Mishap;
using sim::RpcFault;
using sim::World;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::calls;
using worlds::listed;
using worlds::open;
using worlds::peer;
using worlds::says;
using worlds::with;

namespace {

constexpr std::uint64_t for_ever = 1'000'000;

/// The plugin starts when the record has been written, and has time to follow it.
void start_on_the_record(World& world) {
  world.run_for(seconds(2));
  world.kill_plugin();
  world.start_plugin();
  world.run_for(minutes(10));
}

/// What a record could bring about.
void check_untouched(World& world) {
  for (const auto* method : {"signpsbt", "sendpsbt", "reserveinputs", "unreserveinputs", "disconnect", "close",
                             "fundchannel_cancel", "setchannel", "deldatastore", "datastore"}) {
    CAPTURE(method);
    CHECK(calls(world, method) == 0);
  }
}

/// Two peers and a coin that another user has reserved: the forged records claim all of them.
sim::Setup setup_with(Forgery forgery, std::uint64_t seed) {
  auto setup = with({peer("a"), peer("b")});
  setup.seed = seed;
  setup.coins = {{}, {}};
  setup.coins[1].reserved_by_others = 100;
  setup.intrusions = {{seconds(0), forgery}};
  return setup;
}

}  // namespace

TEST_CASE("a record that another has written is shown, and nothing follows from it") {
  for (const auto forgery : {Forgery::unsealed, Forgery::sealed_elsewhere, Forgery::old_format, Forgery::junk}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(seed);
      World world(setup_with(forgery, seed));
      world.run_for(minutes(5));
      check_untouched(world);
      const auto shown = listed(world);
      CHECK(says(shown, "\"state\":\"unsettled\""));
      CHECK(says(shown, "not written by this node's plugin"));
      CHECK(world.call("multifundchannel", open({"a", "b"})).ok());
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("what another has written is forgotten by its id, and nothing else is done with it") {
  World world(setup_with(Forgery::unsealed, 3));
  world.run_for(minutes(1));
  REQUIRE(world.node().datastore().entries().size() == 1);
  const auto id = world.node().datastore().entries().begin()->first.back();
  const auto shown = world.call("multifundchannel-forget", "{\"batch\":\"" + id + "\"}");
  CHECK(says(worlds::field(shown, "gives_up"), "not written by this node's plugin"));
  CHECK(world.node().datastore().entries().size() == 1);
  CHECK(world.call("multifundchannel-forget", "{\"batch\":\"" + id + "\",\"confirm\":true}").ok());
  CHECK(world.node().datastore().entries().empty());
  CHECK(calls(world, "unreserveinputs") == 0);
  CHECK_FALSE(says(listed(world), id));
}

TEST_CASE("a record with a good mac has nothing signed for the peer's channel, nor for one of ours that is too small") {
  int of_the_peer = 0, too_small = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    auto setup = with({peer("a")});
    setup.seed = seed;
    setup.intrusions = {{seconds(1), Forgery::colluding}};
    World world(setup);
    start_on_the_record(world);
    CHECK(calls(world, "signpsbt") == 0);
    const auto batches = listed(world);
    if (says(batches, "1 of 1 channels are gone")) ++of_the_peer;
    if (says(batches, "lightningd shows no channel of ours that its output 0 funds")) ++too_small;
    worlds::check_invariants(world);
  }
  CHECK(of_the_peer == 3);
  CHECK(too_small == 3);
}

TEST_CASE("an abort with a good mac has nothing signed that does not pay the wallet") {
  for (const auto* version : {"v26.06.6", "v24.08"}) {
    CAPTURE(version);
    auto setup = with({peer("a")});
    setup.version = version;
    setup.intrusions = {{seconds(1), Forgery::giving_up}};
    World world(setup);
    start_on_the_record(world);
    CHECK(calls(world, "signpsbt") == 0);
    CHECK(says(listed(world), "\"state\":\"aborting\""));
    CHECK(says(listed(world), "the abort's transaction is not signed: "));
    CHECK(world.node().sending().sent().empty());
    worlds::check_invariants(world);
  }
}

TEST_CASE("without the key nothing is recorded, and so nothing is done") {
  for (const auto mishap : {Mishap::refused, Mishap::unreadable, Mishap::unknown}) {
    auto setup = with({peer("a")});
    setup.rpc_faults = {RpcFault{mishap, "makesecret", 1, for_ever}};
    World world(setup);
    const auto outcome = world.call("multifundchannel", open({"a"}));
    CHECK(worlds::error(outcome).code == -1);
    CHECK(says(worlds::error(outcome).message, "makesecret"));
    for (const auto* method : {"fundpsbt", "txprepare", "connect", "fundchannel_start"})
      CHECK(calls(world, method) == 0);
    check_untouched(world);
    world.node().recover();
    CHECK(world.call("multifundchannel", open({"a"})).ok());
    worlds::check_invariants(world);
  }
}

TEST_CASE("a lightningd that never answers makesecret costs a minute, and then the command says so") {
  auto setup = with({peer("a")});
  setup.rpc_faults = {RpcFault{Mishap::stuck, "makesecret", 1, for_ever}};
  World world(setup);
  const auto outcome = world.call("multifundchannel", open({"a"}));
  CHECK(says(worlds::error(outcome).message, "did not answer makesecret within 60 seconds"));
  CHECK(outcome.took < minutes(3));
  check_untouched(world);
}

TEST_CASE("what a crash has left waits for the key, and is settled then") {
  auto setup = with({peer("a"), peer("b")});
  setup.kills = {{0, sim::End::kill_plugin, seconds(0), "fundchannel_complete"}};
  setup.rpc_faults = {RpcFault{Mishap::refused, "makesecret", 2, 60}};  // at the second start
  World world(setup);
  (void)world.start("multifundchannel", open({"a", "b"}));
  world.run_for(seconds(20));
  CHECK(world.node().datastore().entries().size() == 1);
  CHECK(calls(world, "listdatastore") == 4);
  world.run_for(minutes(10));
  CHECK(world.node().datastore().entries().empty());
  worlds::check_invariants(world);
}

TEST_CASE("the key is asked for once in the life of the process") {
  auto setup = with({peer("a")});
  setup.coins.resize(3);
  World world(setup);
  for (int i = 0; i < 3; ++i) CHECK(world.call("multifundchannel", open({"a"})).ok());
  world.run_for(minutes(3));
  CHECK(calls(world, "makesecret") == 1);
}
