#include <chrono>

#include "worlds.hpp"

using sim::Fault;
using sim::Kind;
using sim::PeerSetup;
using sim::Phase;
using sim::World;
using worlds::count;
using worlds::field;
using worlds::listed;
using worlds::lnd;
using worlds::open;
using worlds::peer;
using worlds::says;
using worlds::with;

namespace {

PeerSetup after(PeerSetup setup, std::chrono::milliseconds delay) {
  setup.delay = delay;
  return setup;
}

std::size_t kept_by(World& world, const char* name) { return world.peer(name).kept.size(); }

/// When each peer was told a transaction, by name.
spark::Duration told_at(World& world, const std::string& name) {
  for (const auto& telling : world.node().core().monitor.tellings().told()) {
    if (telling.peer.hex() == world.peer_id(name)) return telling.at;
  }
  FAIL("nobody told ", name, " a transaction");
  return {};
}

}  // namespace

TEST_CASE("LND peers are told the transaction when all others have secured theirs") {
  World world(with({lnd("a"), after(peer("b"), std::chrono::milliseconds(100)), lnd("c"), peer("d")}));
  CHECK(count(world.call("multifundchannel", open({"a", "b", "c", "d"})), "channel_ids") == 4);
  // b's answer takes one way there and one back.
  for (const auto* name : {"a", "c"})
    CHECK(told_at(world, name) >= told_at(world, "b") + std::chrono::milliseconds(200));
  CHECK(told_at(world, "d") < told_at(world, "b") + std::chrono::milliseconds(10));
  worlds::check_invariants(world);
}

TEST_CASE("a peer of another kind fails in its complete: no LND peer was told, and all of them open") {
  World world(with({lnd("a"), lnd("b"), peer("c", {Fault{Phase::complete, Kind::refuse}}), peer("d")}));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c", "d"}, R"("minchannels":3)"));
  CHECK(count(outcome, "channel_ids") == 3);
  CHECK(kept_by(world, "a") == 1);  // that of the transaction that was sent
  CHECK(kept_by(world, "b") == 1);
  CHECK_FALSE(says(listed(world), "told_in_vain"));
  worlds::check_invariants(world);
}

TEST_CASE("an LND peer fails in its complete: those that were told are dropped, and everybody is told of them later") {
  auto setup = with({after(lnd("a"), std::chrono::milliseconds(20)),
                     lnd("b", {Fault{Phase::complete, Kind::disconnect}}), peer("c"), peer("d")});
  setup.coins.resize(3);
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c", "d"}, R"("minchannels":2,"details":true)"));
  CHECK(count(outcome, "channel_ids") == 2);
  const auto failed = field(outcome, "failed");
  CHECK(says(failed, R"("cause":"pending_limit")"));
  CHECK(says(failed, "until block "));
  CHECK(says(failed, "lncli abandonchannel --i_know_what_i_am_doing "));
  CHECK(worlds::calls(world, "fundchannel_start") == 6);  // c and d once more, but not a
  CHECK(kept_by(world, "a") == 1);
  CHECK(says(listed(world), R"("told_in_vain":[{"id":")"));
  CHECK(says(listed(world), world.peer_id("a")));

  const auto preview = world.call("multifundchannel", open({"a"}, R"("dryrun":true)"));
  CHECK(says(field(preview, "warnings"), "destinations[0]: the peer keeps channel "));

  const auto again = world.call("multifundchannel", open({"a"}, R"("details":true)"));
  CHECK(says(worlds::error(again).message, "Number of pending channels exceed maximum"));
  CHECK(says(worlds::error(again).message, "pending, whose transaction was never sent, until block "));
  CHECK(says(worlds::error(again).data, R"("cause":"pending_limit")"));
  worlds::check_invariants(world);

  SUBCASE("until the peer has forgotten it") {
    world.mine(2'015);
    world.run_for(std::chrono::seconds(1));
    CHECK(says(listed(world), world.peer_id("a")));
    world.mine(1);
    world.run_for(std::chrono::seconds(1));
    CHECK_FALSE(says(listed(world), "told_in_vain"));
  }
  SUBCASE("the plugin is killed and started") {
    world.kill_plugin();
    world.start_plugin();
    world.run_for(std::chrono::seconds(10));
    CHECK(says(listed(world), R"("told_in_vain":[{"id":")"));
    CHECK(says(listed(world), R"("until_block":)"));
  }
  SUBCASE("its operator has removed it, and a channel with it opens") {
    world.peer("a").kept.clear();
    CHECK(count(world.call("multifundchannel", open({"a"})), "channel_ids") == 1);
    const auto told = listed(world).substr(listed(world).find("told_in_vain"));
    CHECK_FALSE(says(told, world.peer_id("a")));
    CHECK(says(told, world.peer_id("b")));
  }
}

TEST_CASE("an LND peer that refuses the transaction was told it, whatever it says: that is remembered") {
  for (const auto* text : {"not today", "No channel funding in progress."}) {
    CAPTURE(text);
    Fault refusing{Phase::complete, Kind::refuse};
    refusing.text = text;
    World world(with({lnd("a", {refusing})}));
    CHECK(says(worlds::error(world.call("multifundchannel", open({"a"}))).message, text));
    world.run_for(std::chrono::seconds(1));
    CHECK(says(listed(world), R"("told_in_vain":[{"id":")" + world.peer_id("a")));
    worlds::check_invariants(world);
  }
}

TEST_CASE("the plugin is killed while LND peers know the transaction: the next start remembers them") {
  World world(with({lnd("a"), after(lnd("b"), std::chrono::seconds(2))}));
  const auto call = world.start("multifundchannel", open({"a", "b"}));
  while (kept_by(world, "a") == 0) world.run_for(std::chrono::milliseconds(10));
  world.kill_plugin();
  world.start_plugin();
  world.run_for(std::chrono::seconds(30));
  for (const auto* name : {"a", "b"}) CHECK(says(listed(world), R"({"id":")" + world.peer_id(name) + R"(","txid":)"));
  CHECK_FALSE(world.outcome(call).ok());
  worlds::check_invariants(world);
}

TEST_CASE("a peer that goes away while it waits for the slowest is dropped before anybody is told") {
  for (const auto kind : {Kind::silent, Kind::disconnect}) {
    CAPTURE(static_cast<int>(kind));
    World world(with({lnd("a"), peer("b", {Fault{Phase::started, kind, false, std::chrono::milliseconds(500)}}),
                      after(peer("c"), std::chrono::seconds(5))}));
    const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":2)"));
    CHECK(count(outcome, "channel_ids") == 2);
    CHECK(worlds::calls(world, "fundchannel_complete") == 2);  // nobody was told twice, and b never
    CHECK(says(field(outcome, "failed"), kind == Kind::silent ? "did not answer ping" : "hung up while it waited"));
    worlds::check_invariants(world);
  }
}

TEST_CASE("where all is well nobody waits for a ping") {
  for (const bool mixed : {false, true}) {
    World world(with({peer("a"), mixed ? lnd("b") : peer("b")}));
    CHECK(count(world.call("multifundchannel", open({"a", "b"})), "channel_ids") == 2);
    for (const auto& ping : world.node().core().monitor.tellings().pings()) {
      CHECK_MESSAGE(ping.asked <= told_at(world, "a"), "a batch that is well sends no ping later");
    }
    worlds::check_invariants(world);
  }
}

TEST_CASE("a ping that is under way already tells nothing of the peer") {
  World world(with({after(peer("a"), std::chrono::milliseconds(300)), after(peer("b"), std::chrono::seconds(6))}));
  const auto call = world.start("multifundchannel", open({"a", "b"}));
  while (world.node().core().monitor.tellings().pings().empty()) {
    world.peer("a").pinging = true;  // lightningd's own
    world.run_for(std::chrono::milliseconds(50));
  }
  world.run_for(std::chrono::seconds(1));
  world.peer("a").pinging = false;
  world.finish_all();
  CHECK(count(world.outcome(call), "channel_ids") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("an LND peer falls silent while a peer of the first wave takes its time: no other LND peer is told") {
  World world(with({lnd("a"), lnd("b"), peer("c", {Fault{Phase::complete, Kind::silent}}), peer("d")}));
  const auto call = world.start("multifundchannel", open({"a", "b", "c", "d"}, R"("minchannels":2)"));
  while (worlds::calls(world, "fundchannel_complete") == 0) world.run_for(std::chrono::milliseconds(1));
  world.run_for(std::chrono::seconds(10));
  world.node().die(world.peer("b"), true);
  world.finish_all();
  CHECK(count(world.outcome(call), "channel_ids") == 2);
  CHECK(kept_by(world, "a") == 1);
  CHECK(kept_by(world, "b") == 0);
  worlds::check_invariants(world);
}

TEST_CASE("a peer goes away while it is started again for another amount: the batch ends") {
  for (const bool silently : {false, true}) {
    for (const auto* at : {"datastore", "fundchannel_cancel", "connect"}) {
      CAPTURE(silently);
      CAPTURE(at);
      auto setup = with({peer("a"), after(peer("b"), std::chrono::milliseconds(100)),
                         peer("c", {Fault{Phase::start, Kind::refuse}})});
      // The third: that it is started again. The answer leaves time for what comes meanwhile.
      setup.rpc_faults = {{sim::Mishap::late, "datastore", 3, 1, 1, std::chrono::seconds(1)}};
      World world(std::move(setup));
      const auto call =
          world.start("multifundchannel", R"({"minchannels":1,"destinations":[{"id":"$a@","amount":"*1"},)"
                                          R"({"id":"$b@","amount":"*1"},{"id":"$c@","amount":"*1"}]})");
      for (int i = 0; i < 5'000 && worlds::calls(world, "fundchannel_start") < 3; ++i)
        world.run_for(std::chrono::milliseconds(1));
      const auto before = worlds::calls(world, at);
      for (int i = 0; i < 5'000 && worlds::calls(world, at) == before; ++i) world.run_for(std::chrono::milliseconds(1));
      CHECK(worlds::calls(world, at) > before);
      world.node().die(world.peer("b"), silently);
      world.finish_all(std::chrono::minutes(10));
      REQUIRE(world.outcome(call).answered);
      CHECK(count(world.outcome(call), "channel_ids") == 1);
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("a peer that hangs up while it waits and comes back has no opening any more") {
  auto flapping = lnd("b");
  flapping.connected = true;
  flapping.channels.resize(1);  // so that lightningd connects to it again
  flapping.faults = {Fault{Phase::started, Kind::disconnect, true, std::chrono::milliseconds(10)}};
  World world(with({lnd("a"), flapping, after(peer("c"), std::chrono::seconds(2))}));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":2)"));
  CHECK(count(outcome, "channel_ids") == 2);
  CHECK(kept_by(world, "a") == 1);
  CHECK(kept_by(world, "b") == 0);
  CHECK(worlds::calls(world, "fundchannel_complete") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("lightningd is held up for longer than a ping may take: nobody is dropped for it") {
  auto setup = with({peer("a"), peer("b"), after(peer("c"), std::chrono::seconds(3))});
  for (const auto* method : {"ping", "listpeers"}) {
    setup.rpc_faults.push_back({sim::Mishap::late, method, 1, 100, 1, std::chrono::seconds(15)});
  }
  World world(std::move(setup));
  CHECK(count(world.call("multifundchannel", open({"a", "b", "c"})), "channel_ids") == 3);
  worlds::check_invariants(world);
}

TEST_CASE("before v25.09 the answer to a ping tells nothing: nobody is dropped for it") {
  auto setup = with({peer("silent"), peer("a"), after(peer("c"), std::chrono::seconds(8))});
  setup.version = "v25.05";
  World world(std::move(setup));
  // A ping of somebody else's that gets no pong: the next pong answers it, and so on.
  CHECK(world.call("connect", R"({"id":"$silent@"})").ok());
  world.node().core().peers.by_name("silent")->frozen = true;
  (void)world.start("ping", R"({"id":"$silent"})");
  world.run_for(std::chrono::seconds(1));
  CHECK(count(world.call("multifundchannel", open({"a", "c"})), "channel_ids") == 2);
  CHECK(world.node().core().monitor.violations().empty());  // that ping is never answered
}

TEST_CASE("what lightningd itself refuses was told to nobody") {
  auto setup = with({lnd("a"), peer("b")});
  setup.rpc_faults = {{sim::Mishap::refused, "fundchannel_complete", 2, 1, 1, {}, 306, "Unknown peer"}};
  World world(std::move(setup));
  CHECK_FALSE(world.call("multifundchannel", open({"a", "b"})).result.ok());
  world.run_for(std::chrono::seconds(5));
  CHECK_FALSE(says(listed(world), "told_in_vain"));
  worlds::check_invariants(world);
}
