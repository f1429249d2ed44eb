#include "worlds.hpp"

using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using worlds::count;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

const char* method_of(Phase phase) {
  switch (phase) {
    case Phase::connect:
      return "connect";
    case Phase::start:
      return "fundchannel_start";
    case Phase::started:
    case Phase::complete:
    case Phase::opened:
      return "fundchannel_complete";
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("one peer fails in any phase, in any way") {
  for (const auto phase : {Phase::connect, Phase::start, Phase::started, Phase::complete, Phase::opened}) {
    for (const auto kind : {Kind::refuse, Kind::disconnect, Kind::silent, Kind::reminds}) {
      if (phase == Phase::opened && kind != Kind::refuse) continue;   // only an error takes a secured channel away
      if (phase == Phase::started && kind == Kind::silent) continue;  // the same as silent in complete
      CAPTURE(static_cast<int>(phase));
      CAPTURE(static_cast<int>(kind));
      const auto bad = peer("b", {Fault{phase, kind, false, std::chrono::milliseconds(10)}});
      auto slow = peer("c");  // so that b has time to fail while the others wait for c
      slow.delay = std::chrono::milliseconds(100);

      SUBCASE("all are needed: the command fails with the peer's error") {
        World world(with({peer("a"), bad, slow}));
        const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}));
        const auto& error = worlds::error(outcome);
        CHECK(contains(error.data, "\"id\":\"" + world.peer_id("b") + "\",\"method\":\"" + method_of(phase) + "\""));
        CHECK(contains(error.data, world.peer_id("a")));  // every peer is accounted for
        worlds::check_invariants(world);
      }
      SUBCASE("one is enough: the others get their channels") {
        World world(with({peer("a"), bad, slow}));
        const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":1)"));
        CHECK(count(outcome, "channel_ids") == 2);
        CHECK(count(outcome, "failed") == 1);
        CHECK(contains(worlds::field(outcome, "failed"), method_of(phase)));
        worlds::check_invariants(world);
      }
    }
  }
}

TEST_CASE("two peers fail in different phases") {
  World world(with({peer("a", {Fault{Phase::start, Kind::refuse}}), peer("b", {Fault{Phase::complete, Kind::refuse}}),
                    peer("c"), peer("d")}));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c", "d"}, R"("minchannels":2)"));
  CHECK(count(outcome, "channel_ids") == 2);
  CHECK(count(outcome, "failed") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("minchannels decides when to give up") {
  World world(with({peer("a", {Fault{Phase::start, Kind::refuse}}), peer("b"), peer("c")}));
  CHECK(count(world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":2)")), "channel_ids") == 2);
  worlds::check_invariants(world);
  World other(with({peer("a", {Fault{Phase::start, Kind::refuse}}), peer("b"), peer("c")}));
  CHECK(worlds::error(other.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":3)"))).code == -1);
  worlds::check_invariants(other);
}

TEST_CASE("a failed complete never costs another channel of the peer that awaits lock-in") {
  // fundchannel_cancel takes the peer's first such channel, which is not ours here.
  for (const bool opened_by_us : {true, false}) {
    CAPTURE(opened_by_us);
    auto healthy = peer("a");
    healthy.channels = {{"CHANNELD_AWAITING_LOCKIN", opened_by_us, false, {}}};
    World world(with({healthy, peer("b", {Fault{Phase::complete, Kind::refuse}}), peer("c")}));
    const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":1)"));
    CHECK(count(outcome, "channel_ids") == 2);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a failed batch leaves the live channels of its peers alone") {
  auto busy = peer("a");
  busy.channels = {{}, {"CHANNELD_AWAITING_LOCKIN", true, false, {}}};
  World world(with({busy, peer("b", {Fault{Phase::complete, Kind::disconnect}})}));
  (void)worlds::error(world.call("multifundchannel", open({"a", "b"})));
  worlds::check_invariants(world);
}

TEST_CASE("a peer that fails once in complete is out, but those that were cancelled come back") {
  World world(with({peer("a"), peer("b", {Fault{Phase::complete, Kind::disconnect, true}}), peer("c")}));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":2)"));
  CHECK(count(outcome, "channel_ids") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("a peer that hangs up in its first start has failed, as with the builtin") {
  World world(with({peer("a"), peer("b", {Fault{Phase::start, Kind::disconnect, true}})}));
  // Another peer's lost channel in the same moment is no excuse for it.
  (void)world.start("multifundchannel", open({"a", "b"}, R"("minchannels":1)"));
  for (int i = 0; i < 1000 && !world.peer("b").opening; ++i) world.run_for(std::chrono::milliseconds(1));
  world.node().core().log.push_back({world.peer_id("a"), "Unknown channel aa for WIRE_CHANNEL_REESTABLISH"});
  world.finish_all();
  CHECK(count(world.outcome(0), "channel_ids") == 1);
  CHECK(contains(worlds::field(world.outcome(0), "failed"), "\"method\":\"fundchannel_start\""));
  CHECK(world.node().core().methods.calls().at("fundchannel_start") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("a peer that is cut off twice in start for a lost channel is asked once more, after that it is out") {
  for (const int times : {1, 2, 3}) {
    CAPTURE(times);
    std::vector<Fault> faults(static_cast<std::size_t>(times), Fault{Phase::start, Kind::reminds, true});
    World world(with({peer("a"), peer("b", std::move(faults))}));
    const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("minchannels":1)"));
    CHECK(count(outcome, "channel_ids") == (times < 3 ? 2 : 1));
    CHECK(world.node().core().methods.calls().at("fundchannel_start") == 2 + std::min(times, 2));
    CHECK(outcome.took < std::chrono::milliseconds(1500));
    worlds::check_invariants(world);
  }
}

TEST_CASE("the log is asked for once for all peers that hang up at about the same time") {
  std::vector<sim::PeerSetup> peers{peer("a")};
  std::vector<std::string> names{"a"};
  for (int i = 0; i < 40; ++i) {
    names.push_back("p" + std::to_string(i));
    peers.push_back(peer(names.back(), {Fault{Phase::start, i < 20 ? Kind::disconnect : Kind::reminds, true}}));
  }
  auto setup = with(std::move(peers));
  setup.reply_delay = std::chrono::milliseconds(20);
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open(names, R"("minchannels":1)"));
  CHECK(count(outcome, "channel_ids") == 21);
  CHECK(worlds::calls(world, "getlog") <= 8);  // connects have ten places, so they come in groups
  worlds::check_invariants(world);
}

TEST_CASE("a peer that is cut off in start and cannot be connected again is not waited for") {
  World world(with({peer("a"), peer("b", {Fault{Phase::start, Kind::reminds}})}));
  auto& faults = world.peer("b").setup.faults;
  const auto call = world.start("multifundchannel", open({"a", "b"}, R"("minchannels":1)"));
  for (int i = 0; i < 1000 && !world.peer("b").opening; ++i) world.run_for(std::chrono::milliseconds(1));
  faults = {Fault{Phase::connect, Kind::refuse}};
  world.finish_all();
  CHECK(count(world.outcome(call), "channel_ids") == 1);
  CHECK(contains(worlds::field(world.outcome(call), "failed"), "Connection refused"));
  CHECK(world.outcome(call).took < std::chrono::milliseconds(1000));
  worlds::check_invariants(world);
}

TEST_CASE("undoing a secured channel does not cost another batch its opening with the same peer") {
  auto setup = with({peer("a"), peer("bad", {Fault{Phase::complete, Kind::refuse}}), peer("slow")});
  setup.coins = {{}, {}};
  setup.peers[1].delay = std::chrono::milliseconds(200);  // a is secured long before bad refuses
  setup.peers[2].delay = std::chrono::milliseconds(600);  // a second opening with a waits for slow
  World world(std::move(setup));
  const auto first = world.start("multifundchannel", open({"a", "bad"}, R"("minchannels":1)"));
  for (int i = 0; i < 1000 && world.peer("a").channels.empty(); ++i) world.run_for(std::chrono::milliseconds(5));
  const auto second = world.start("multifundchannel", open({"a", "slow"}));
  world.finish_all();
  CHECK(count(world.outcome(second), "channel_ids") == 2);
  CHECK(world.outcome(first).answered);
  worlds::check_invariants(world);
}

TEST_CASE("given inputs that are not native segwit are refused before any peer is asked") {
  auto setup = with({peer("a")});
  setup.coins = {sim::CoinSetup{bitcoin::Sat{5'000'000}, true, sim::ScriptKind::p2sh_p2wpkh}};
  World world(std::move(setup));
  const auto utxo = world.node().core().wallet.coins().front().outpoint.str();
  const auto outcome = world.call("multifundchannel", open({"a"}, "\"utxos\":[\"" + utxo + "\"]"));
  CHECK(worlds::error(outcome).code == -32602);
  CHECK(contains(worlds::error(outcome).message, utxo));
  CHECK(world.node().core().methods.calls().count("fundchannel_start") == 0);
  worlds::check_invariants(world);
}
