// A holder of a rune for the datastore cannot make records, but can take them away, and put older ones back.

#include "worlds.hpp"

using sim::Broadcast;
using sim::World;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::calls;
using worlds::listed;
using worlds::open;
using worlds::peer;
using worlds::says;
using worlds::with;

namespace {

using Version = std::pair<sim::Datastore::Key, util::Bytes>;

constexpr std::uint64_t for_ever = 1'000'000;

bool has_phase(const util::Bytes& data, const std::string& phase) {
  return says({data.begin(), data.end()}, R"("phase":")" + phase + '"');
}

Version first_in(World& world, const std::string& phase) {
  for (const auto& version : world.node().datastore().history()) {
    if (has_phase(version.second, phase)) return version;
  }
  FAIL("no record in the phase ", phase);
  return {};
}

void put_back(World& world, const Version& version) { world.node().datastore().put(version.first, version.second); }

}  // namespace

TEST_CASE("the record of a batch that was not sent, put back over that of one that was, has no channel cancelled") {
  for (const auto broadcast : {Broadcast::works, Broadcast::hides_success, Broadcast::never_answers}) {
    auto setup = with({peer("a"), peer("b")});
    setup.broadcast = broadcast;
    World world(setup);
    (void)world.start("multifundchannel", open({"a", "b"}));
    while (calls(world, "sendpsbt") == 0) world.run_for(milliseconds(1));
    world.kill_plugin();
    world.run_for(seconds(1));
    put_back(world, first_in(world, "completing"));
    world.start_plugin();
    world.run_for(minutes(10));
    CHECK(calls(world, "fundchannel_cancel") == 0);
    CHECK(calls(world, "close") == 0);
    world.mine(6);  // the wallet may know of it only now
    world.run_for(minutes(10));
    CHECK(world.node().datastore().entries().empty());
    worlds::check_invariants(world);
  }
}

TEST_CASE("a released channel is kept, whatever phase its record says") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcast = Broadcast::refused;
  World world(setup);
  CHECK_FALSE(world.call("multifundchannel", open({"a", "b"})).ok());
  REQUIRE(calls(world, "sendpsbt") >= 1);
  world.kill_plugin();
  put_back(world, first_in(world, "completing"));
  world.start_plugin();
  world.run_for(minutes(10));
  CHECK(calls(world, "fundchannel_cancel") == 0);
  CHECK(calls(world, "close") == 0);
  CHECK(says(listed(world), R"("state":"unsettled")"));
  CHECK(says(listed(world), "is released, although its record says that nothing was signed"));
  CHECK(world.peer("a").channels.size() == 1);
  CHECK(world.peer("b").channels.size() == 1);
}

TEST_CASE("the record of a batch that has ended is not acted on when it is put back") {
  for (const auto* phase : {"completing", "sending"}) {
    CAPTURE(phase);
    World world(with({peer("a"), peer("b")}));
    CHECK(world.call("multifundchannel", open({"a", "b"})).ok());
    REQUIRE(world.node().datastore().entries().empty());
    put_back(world, first_in(world, phase));
    world.run_for(minutes(3));
    CHECK(world.node().datastore().entries().size() == 1);
    CHECK(says(listed(world), "another program has put it back"));
    CHECK(calls(world, "signpsbt") == 1);
    const auto id = world.node().datastore().entries().begin()->first.back();
    CHECK(world.call("multifundchannel-forget", R"({"batch":")" + id + R"(","confirm":true})").ok());
    CHECK(world.node().datastore().entries().empty());
  }
}

TEST_CASE("a batch whose record is deleted ends, and leaves nothing") {
  for (const auto* phase : {"opening", "completing", "sending"}) {
    for (const auto broadcast : {Broadcast::works, Broadcast::fails}) {
      CAPTURE(phase);
      auto setup = with({peer("a"), peer("b")});
      setup.broadcasts = {broadcast, broadcast, broadcast};
      World world(setup);
      const auto call = world.start("multifundchannel", open({"a", "b"}));
      bool deleted = false;
      for (int i = 0; i < 20'000 && !deleted; ++i) {
        world.run_for(milliseconds(1));
        const auto entries = world.node().datastore().entries();
        for (const auto& [key, entry] : entries) {
          if (!has_phase(entry.data, phase)) continue;
          world.node().datastore().erase(key);
          deleted = true;
        }
      }
      REQUIRE(deleted);
      world.run_for(minutes(10));
      CHECK(world.outcome(call).answered);
      CHECK_FALSE(says(listed(world), R"("state":"settling")"));
      CHECK(world.node().datastore().entries().empty());
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("an older record put in the place of one that was deleted does not keep a batch from its end") {
  for (const auto* phase : {"opening", "completing"}) {
    CAPTURE(phase);
    World world(with({peer("a"), peer("b")}));
    const auto call = world.start("multifundchannel", open({"a", "b"}));
    bool replaced = false;
    for (int i = 0; i < 20'000 && !replaced; ++i) {
      world.run_for(milliseconds(1));
      const auto& history = world.node().datastore().history();
      if (history.empty() || !has_phase(history.back().second, phase)) continue;
      const auto version = history.back();
      world.node().datastore().erase(version.first);
      world.run_for(milliseconds(2));
      put_back(world, world.node().datastore().history().front());
      replaced = true;
    }
    REQUIRE(replaced);
    world.run_for(minutes(10));
    CHECK(world.outcome(call).answered);
    CHECK(world.node().datastore().entries().empty());
    worlds::check_invariants(world);
  }
}

TEST_CASE("of what others keep beside the records 1,000 are shown, and the last says how many more there are") {
  auto setup = with({peer("a")});
  setup.kills = {{0, sim::End::kill_plugin, seconds(0), "fundchannel_complete"}};
  World world(setup);
  for (int i = 0; i < 1'003; ++i) {
    world.node().datastore().put({"multifundchannel", "batch", "junk " + std::to_string(1'000'000 + i)}, {'x'});
  }
  (void)world.start("multifundchannel", open({"a"}));
  world.run_for(minutes(5));
  const auto shown = listed(world);
  CHECK(says(shown, "junk 1000999"));
  CHECK_FALSE(says(shown, "junk 1001000"));
  CHECK(says(shown, "and 3 more records like it, which are not shown"));
}

TEST_CASE("what others keep beside the records is not read, and one that cannot be read keeps no other from it") {
  auto setup = with({peer("a")});
  setup.kills = {{0, sim::End::kill_plugin, seconds(0), "fundchannel_complete"}};
  World world(setup);
  for (int i = 0; i < 50; ++i) {
    const std::string name = "junk " + std::to_string(i) + std::string(5'000, 'x');
    world.node().datastore().put({"multifundchannel", "batch", name}, util::Bytes(1'000, 'x'));
  }
  (void)world.start("multifundchannel", open({"a"}));
  world.run_for(minutes(5));
  CHECK(world.node().datastore().entries().size() == 50);
  const auto shown = listed(world);
  CHECK(says(shown, "junk 7"));
  CHECK(shown.size() < 50 * 300);
  CHECK(world.peer("a").channels.empty());
}

TEST_CASE("a journal that cannot be read is asked for in one loop, not in one for each reason") {
  auto setup = with({peer("a")});
  setup.rpc_faults = {sim::RpcFault{sim::Mishap::unreadable, "listdatastore", 1, for_ever}};
  World world(setup);
  world.run_for(minutes(10));
  CHECK(calls(world, "listdatastore") >= 5);
  CHECK(calls(world, "listdatastore") <= 331);
  world.node().recover();
  world.run_for(minutes(10));
  CHECK(world.call("multifundchannel", open({"a"})).ok());
}
