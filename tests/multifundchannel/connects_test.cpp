#include <algorithm>

#include "worlds.hpp"

using namespace std::chrono_literals;
using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using worlds::count;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

constexpr const char* max_connects = "multifundchannel-max-connects";

std::size_t calls_of(World& world, const std::string& method) {
  const auto& calls = world.node().core().methods.calls();
  const auto found = calls.find(method);
  return found == calls.end() ? 0 : found->second;
}

/// Connects that lightningd has not answered yet.
std::size_t in_flight(World& world) {
  const auto& peers = world.node().core().peers.all();
  return static_cast<std::size_t>(
      std::count_if(peers.begin(), peers.end(), [](const sim::Peer& one) { return !one.connects.empty(); }));
}

void set_max_connects(World& world, int number) {
  const auto params = "{\"config\":\"" + std::string(max_connects) + "\",\"val\":\"" + std::to_string(number) + "\"}";
  const auto outcome = world.call("setconfig", params);
  REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
}

/// So many peers; each needs two seconds to connect.
struct SlowToConnect {
  explicit SlowToConnect(int number) {
    for (int i = 0; i < number; ++i) {
      names.push_back("p" + std::to_string(i));
      setup.peers.push_back(peer(names.back()));
      setup.peers.back().delay = 500ms;
    }
  }

  sim::Setup setup = with({});
  std::vector<std::string> names;
};

}  // namespace

TEST_CASE("setconfig of the greatest number of connects takes effect on those that wait") {
  SlowToConnect slow(20);
  slow.setup.options[max_connects] = "2";
  World world(std::move(slow.setup));
  (void)world.start("multifundchannel", open(slow.names));
  world.run_for(100ms);
  CHECK(in_flight(world) == 2);
  set_max_connects(world, 5);
  world.run_for(10ms);
  CHECK(in_flight(world) == 5);
  // Lowered, it lets nobody in until enough have left: two are done after 2 s, three a little later.
  set_max_connects(world, 1);
  world.run_for(10ms);
  CHECK(in_flight(world) == 5);
  world.run_for(2100ms);
  CHECK(in_flight(world) == 1);
  set_max_connects(world, 10);
  world.finish_all();
  worlds::check_invariants(world);
}

TEST_CASE("a peer that is connected already needs no place among the connects") {
  auto setup = with({peer("dead", {Fault{Phase::connect, Kind::silent}})});
  std::vector<std::string> names{"dead"};
  for (int i = 0; i < 5; ++i) {
    names.push_back("there" + std::to_string(i));
    setup.peers.push_back(peer(names.back()));
    setup.peers.back().connected = true;
  }
  setup.options[max_connects] = "1";
  World world(std::move(setup));
  (void)world.start("multifundchannel", open(names, R"("minchannels":1)"));
  world.run_for(500ms);
  CHECK(in_flight(world) == 1);
  CHECK(calls_of(world, "fundchannel_start") == 5);
  world.finish_all();
  worlds::check_invariants(world);
}

TEST_CASE("an address that does not answer gives up its place after three seconds and waits on outside") {
  auto slow = peer("slow");
  slow.delay = 1s;  // connected after four
  auto setup = with({peer("dead", {Fault{Phase::connect, Kind::silent}}), slow, peer("near")});
  setup.options[max_connects] = "2";
  World world(std::move(setup));
  const auto call = world.start("multifundchannel", open({"dead", "slow", "near"}, R"("minchannels":1)"));
  world.run_for(2900ms);
  CHECK(calls_of(world, "connect") == 2);
  world.run_for(300ms);
  CHECK(calls_of(world, "connect") == 3);
  CHECK(calls_of(world, "fundchannel_start") == 1);  // of `near`
  CHECK(in_flight(world) == 2);                      // outside
  world.finish_all();
  CHECK(count(world.outcome(call), "channel_ids") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("who has to connect again needs a place among the connects, too") {
  // When `p0` refuses, the shares of all others grow. Their openings are ended by disconnecting, because
  // a cancel could hit the channel that they have already.
  auto setup = with({});
  std::string destinations;
  for (int i = 0; i < 30; ++i) {
    setup.peers.push_back(peer("p" + std::to_string(i)));
    setup.peers.back().delay = 100ms;
    setup.peers.back().channels = {sim::ChannelSetup{"CHANNELD_AWAITING_LOCKIN"}};
    setup.peers.back().connected = true;
    destinations += std::string(i ? "," : "") + R"({"id":"$p)" + std::to_string(i) + R"(@","amount":"*1"})";
  }
  setup.peers.front().faults = {Fault{Phase::start, Kind::refuse}};
  World world(std::move(setup));
  const auto call = world.start("multifundchannel", R"({"destinations":[)" + destinations + R"(],"minchannels":1})");
  std::size_t most = 0;
  while (!world.outcome(call).answered) {
    world.run_for(10ms);
    most = std::max(most, in_flight(world));
  }
  CHECK(count(world.outcome(call), "channel_ids") == 29);
  CHECK(most == 10);
  worlds::check_invariants(world);
}

TEST_CASE("a peer that goes away between connecting and starting is connected to again") {
  auto setup = with({peer("stranger"), peer("known")});
  setup.peers.back().channels = {{}};
  setup.rpc_faults = {sim::RpcFault{sim::Mishap::late, "fundpsbt", 1, 1, 1, 300ms}};
  World world(std::move(setup));
  const auto call = world.start("multifundchannel", open({"stranger", "known"}));
  world.run_for(200ms);
  REQUIRE(calls_of(world, "connect") == 2);
  REQUIRE(calls_of(world, "fundchannel_start") == 0);
  // lightningd still knows the one ("not connected", 305), not the other ("unknown peer", 306).
  world.peer("stranger").connected = world.peer("known").connected = false;
  world.finish_all();
  CHECK(count(world.outcome(call), "channel_ids") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("a connect that waits behind an earlier one to the same peer says so, and what to do") {
  World world(with({peer("a", {Fault{Phase::connect, Kind::silent}}), peer("b")}));
  const auto timeout = R"("peer_timeout":10)";
  const auto first = worlds::error(world.call("multifundchannel", open({"a", "b"}, timeout))).message;
  CAPTURE(first);
  CHECK(first.find("earlier attempt") == std::string::npos);
  for (const std::string more : {R"("peer_timeout":10)", R"("peer_timeout":10,"dryrun":true)"}) {
    const auto outcome = world.call("multifundchannel", open({"a", "b"}, more));
    const auto text = outcome.ok() ? *outcome.result : outcome.result.error().message;
    CAPTURE(text);
    CHECK(text.find("did not answer connect within 10 seconds; an earlier attempt to connect to it, at ") !=
          std::string::npos);
    CHECK(text.find("seconds, and lightningd tries one address after the other") != std::string::npos);
  }
  world.run_for(std::chrono::seconds(60));
  const auto later = worlds::error(world.call("multifundchannel", open({"a", "b"}, timeout))).message;
  CHECK(later.find("earlier attempt") == std::string::npos);
  worlds::check_invariants(world);
}
