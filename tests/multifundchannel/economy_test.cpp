#include "worlds.hpp"

using namespace std::chrono_literals;
using sim::Broadcast;
using sim::Fault;
using sim::Kind;
using sim::Mishap;
using sim::Phase;
using sim::RpcFault;
using sim::World;
using worlds::count;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

std::size_t calls_of(World& world, const std::string& method) {
  const auto& calls = world.node().core().methods.calls();
  const auto found = calls.find(method);
  return found == calls.end() ? 0 : found->second;
}

/// Enough peers that not all completes fit into the window at once; the first fails in `phase`.
struct Crowd {
  static constexpr std::size_t size = 500;

  explicit Crowd(Phase phase) {
    setup.coins = {sim::CoinSetup{bitcoin::Sat{60'000'000'000}}};
    for (std::size_t i = 0; i < size; ++i) {
      names.push_back("p" + std::to_string(i));
      setup.peers.push_back(peer(names.back()));
      setup.peers.back().delay = 20ms;
    }
    setup.peers.front().delay = 0ms;
    setup.peers.front().faults = {Fault{phase, Kind::refuse}};
  }

  sim::Setup setup = with({});
  std::vector<std::string> names;
};

}  // namespace

TEST_CASE("after a failed complete no more are sent, and only who was told the transaction is cancelled") {
  Crowd crowd(Phase::complete);
  World world(std::move(crowd.setup));
  const auto outcome = world.call("multifundchannel", open(crowd.names, R"("minchannels":400)"));
  REQUIRE(count(outcome, "channel_ids") == Crowd::size - 1);
  const auto in_second_round = Crowd::size - 1;
  const auto in_first_round = calls_of(world, "fundchannel_complete") - in_second_round;
  CHECK(in_first_round >= 1);
  CHECK(in_first_round < Crowd::size * 3 / 4);
  // The others keep their openings.
  CHECK(calls_of(world, "fundchannel_cancel") <= in_first_round);
  CHECK(calls_of(world, "fundchannel_start") <= Crowd::size + in_first_round);
  worlds::check_invariants(world);
}

TEST_CASE("a failed start costs nobody else a second start") {
  World world(with({peer("a"), peer("b", {Fault{Phase::start, Kind::refuse}}), peer("c"), peer("d")}));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c", "d"}, R"("minchannels":1)"));
  CHECK(count(outcome, "channel_ids") == 3);
  CHECK(calls_of(world, "fundchannel_start") == 4);
  CHECK(calls_of(world, "fundchannel_cancel") == 0);
  worlds::check_invariants(world);
}

TEST_CASE("an old opening is started again also when another peer has dropped out") {
  World world(with({peer("a"), peer("b", {Fault{Phase::start, Kind::silent}})}));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("minchannels":1,"peer_timeout":400)"));
  CHECK(count(outcome, "channel_ids") == 1);
  CHECK(calls_of(world, "fundchannel_start") == 3);
  worlds::check_invariants(world);
}

TEST_CASE("a call that lightningd never answers ends the batch at its deadline, and all is settled") {
  for (const auto* method : {"parsefeerate", "listpeers", "listfunds", "reserveinputs", "signpsbt"}) {
    CAPTURE(method);
    auto setup = with({peer("a"), peer("b")});
    setup.rpc_faults = {RpcFault{Mishap::stuck, method}};
    World world(std::move(setup));
    const auto outcome = world.call("multifundchannel", open({"a", "b"}));
    const auto& error = worlds::error(outcome);
    CHECK(error.message.find(std::string("did not answer ") + method + " within 60 seconds") != std::string::npos);
    CHECK(outcome.took < 75s);
    worlds::check_invariants(world);
  }
}

TEST_CASE("an answer that comes after everybody has gone is undone, not lost") {
  for (const auto* method : {"fundpsbt", "fundchannel_start", "fundchannel_complete"}) {
    CAPTURE(method);
    auto setup = with({peer("a")});
    setup.rpc_faults = {RpcFault{Mishap::held_up, method, 1, 1, 1, 150s}};
    World world(std::move(setup));
    CHECK_FALSE(world.call("multifundchannel", open({"a"})).ok());
    worlds::check_invariants(world);
    CHECK(world.call("multifundchannel", open({"a"})).ok());
    worlds::check_invariants(world);
  }
}

TEST_CASE("places among the connects are given back when a batch fails") {
  auto setup = with({peer("near"), peer("bad", {Fault{Phase::start, Kind::refuse}}),
                     peer("mute", {Fault{Phase::start, Kind::silent}})});
  setup.peers[1].connected = setup.peers[2].connected = true;
  std::vector<std::string> names{"bad", "mute"};
  for (int i = 0; i < 10; ++i) {
    names.push_back("dead" + std::to_string(i));
    setup.peers.push_back(peer(names.back(), {Fault{Phase::connect, Kind::silent}}));
  }
  World world(std::move(setup));
  (void)world.start("multifundchannel", open(names));
  world.run_for(500ms);
  const auto outcome = world.call("multifundchannel", open({"near"}));
  CHECK(outcome.ok());
  CHECK(outcome.took < 1s);
  world.finish_all();
  worlds::check_invariants(world);
}

TEST_CASE("bitcoind away at sendpsbt: the caller gets the transaction, and it is sent when bitcoind is back") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcasts = {Broadcast::fails, Broadcast::fails};
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}));
  const auto& error = worlds::error(outcome);
  CHECK(error.code == 303);
  for (const auto* field : {"\"txid\":\"", "\"tx\":\"02", "\"batch\":\""}) {
    CHECK(error.data.find(field) != std::string::npos);
  }
  CHECK(worlds::field(world.call("listmultifundchannels", "{}"), "batches").find("settling") != std::string::npos);
  world.run_for(std::chrono::minutes(5));
  CHECK(worlds::field(world.call("listmultifundchannels", "{}"), "batches").find("\"state\":\"opened\"") !=
        std::string::npos);
  worlds::check_invariants(world);
}

TEST_CASE("without a datastore nothing happens") {
  for (const auto mishap : {Mishap::refused, Mishap::unknown}) {
    auto setup = with({peer("a")});
    setup.rpc_faults = {RpcFault{mishap, "datastore", 1, 1000}};
    World world(std::move(setup));
    const auto outcome = world.call("multifundchannel", open({"a"}));
    CHECK(worlds::error(outcome).message.find("datastore") != std::string::npos);
    CHECK(calls_of(world, "fundpsbt") == 0);
    CHECK(calls_of(world, "connect") == 0);
    worlds::check_invariants(world);
  }
}
