// The faults of the model itself: what they do to calls, coins, channels and messages.

#include <doctest/doctest.h>

#include "sim/memory_transport.hpp"
#include "sim/world.hpp"
#include "util/str.hpp"

namespace {

using sim::Broadcast;
using sim::Deed;
using sim::Kind;
using sim::Mishap;
using sim::Phase;
using sim::World;
using std::chrono::seconds;
using util::str;

sim::Setup with_peers(std::size_t count) {
  sim::Setup setup;
  for (std::size_t i = 0; i < count; ++i) {
    auto& peer = setup.peers.emplace_back();
    peer.name = std::string(1, static_cast<char>('a' + i));
    peer.connected = true;
  }
  return setup;
}

constexpr const char* one_channel = R"({"destinations":[{"id":"$a","amount":1000000}]})";
constexpr const char* two_channels = R"({"destinations":[{"id":"$a","amount":1000000},{"id":"$b","amount":500000}]})";

sim::Coin& coin(World& world) { return world.node().core().wallet.coins().front(); }

std::size_t calls(World& world, const char* method) {
  const auto& all = world.node().core().methods.calls();
  const auto found = all.find(method);
  return found == all.end() ? 0 : found->second;
}

/// Opens one channel in a world where something goes wrong with one method; how often that is called.
struct Faulty {
  Faulty(Mishap what, const char* method) : world(setup(what, method)) {
    number = world.start("multifundchannel", one_channel);
    world.run_for(seconds(20));
  }
  static sim::Setup setup(Mishap what, const char* method) {
    auto setup = with_peers(1);
    sim::RpcFault fault;
    fault.what = what;
    fault.method = method;
    fault.delay = seconds(5);
    setup.rpc_faults.push_back(fault);
    return setup;
  }
  World world;
  std::size_t number = 0;
};

struct Collector final : util::Receiver {
  void received(std::string_view bytes) override { texts.emplace_back(bytes); }
  void drained() override {}
  void closed(const std::string&) override { over = true; }
  std::vector<std::string> texts;
  bool over = false;
};

}  // namespace

TEST_CASE("each message arrives as an event of its own, also after its sender is gone") {
  sim::VirtualTime time;
  auto [from, to] = sim::make_pair(time);
  Collector collector;
  to->start(collector);
  for (const auto* text : {"one", "two", "three"}) from->send(std::string(text));
  time.step();
  CHECK(collector.texts.size() == 1);
  CHECK(sim::unread(*to) == 2);
  from.reset();
  time.step();
  CHECK(collector.texts.size() == 2);
  CHECK(!collector.over);
  time.run();
  CHECK(collector.texts == std::vector<std::string>{"one", "two", "three"});
  CHECK(collector.over);
}

TEST_CASE("what a killed process had not written yet is lost") {
  sim::VirtualTime time;
  auto [from, to] = sim::make_pair(time);
  Collector collector;
  to->start(collector);
  for (const auto* text : {"one", "two", "three"}) from->send(std::string(text));
  sim::lose_unread(*to, 1);
  from.reset();
  time.run();
  CHECK(collector.texts == std::vector<std::string>{"one"});
}

TEST_CASE("a call that goes wrong is carried out, or not, and is answered, or not") {
  SUBCASE("reply lost") {
    Faulty faulty(Mishap::reply_lost, "fundpsbt");
    CHECK(faulty.world.node().core().wallet.is_reserved(coin(faulty.world)));
    CHECK(!faulty.world.outcome(faulty.number).answered);
  }
  SUBCASE("stuck") {
    Faulty faulty(Mishap::stuck, "fundpsbt");
    CHECK(calls(faulty.world, "fundpsbt") == 0);
    CHECK(!faulty.world.outcome(faulty.number).answered);
  }
  SUBCASE("late") {
    Faulty faulty(Mishap::late, "parsefeerate");
    CHECK(faulty.world.outcome(faulty.number).ok());
    CHECK(faulty.world.outcome(faulty.number).took >= seconds(5));
  }
  SUBCASE("held up") {
    Faulty faulty(Mishap::held_up, "fundpsbt");
    CHECK(faulty.world.outcome(faulty.number).ok());
    CHECK(faulty.world.outcome(faulty.number).took >= seconds(5));
  }
  SUBCASE("unreadable") {
    Faulty faulty(Mishap::unreadable, "fundpsbt");
    CHECK(calls(faulty.world, "fundpsbt") == 1);
    CHECK(!faulty.world.outcome(faulty.number).ok());
  }
  SUBCASE("refused") {
    Faulty faulty(Mishap::refused, "fundpsbt");
    CHECK(calls(faulty.world, "fundpsbt") == 0);
    CHECK(faulty.world.outcome(faulty.number).result.error().code == -1);
  }
  SUBCASE("unknown") {
    Faulty faulty(Mishap::unknown, "fundpsbt");
    CHECK(calls(faulty.world, "fundpsbt") == 0);
    CHECK(faulty.world.outcome(faulty.number).result.error().code == -32601);
  }
  SUBCASE("cut: the plugin connects again") {
    Faulty faulty(Mishap::cut, "fundpsbt");
    CHECK(calls(faulty.world, "fundpsbt") == 1);
    CHECK(!faulty.world.outcome(faulty.number).ok());
    CHECK(faulty.world.call("multifundchannel", one_channel).answered);
    CHECK(calls(faulty.world, "fundpsbt") == 2);
  }
}

TEST_CASE("broadcasts go by the schedule, and then work") {
  auto setup = with_peers(1);
  setup.broadcasts = {Broadcast::fails, Broadcast::refused};
  World world(setup);
  CHECK(world.call("multifundchannel", one_channel).answered);
  CHECK(world.node().sending().sent().empty());
  CHECK(world.peer("a").channels.front().withheld == false);
  CHECK(world.check_invariants().empty());
}

TEST_CASE("a ghost: bitcoind sends long after the error, whatever became of lightningd") {
  auto setup = with_peers(1);
  setup.broadcasts = {Broadcast::ghost};
  World world(setup);
  (void)world.start("multifundchannel", one_channel);
  world.run_for(seconds(10));
  CHECK(world.node().sending().sent().empty());
  world.kill_lightningd();
  world.run_for(seconds(200));
  CHECK(world.node().sending().sent().size() == 1);
}

TEST_CASE("a transaction that another one conflicts with is refused") {
  auto setup = with_peers(1);
  setup.acts = {{seconds(100), Deed::spend, 0, 10}, {seconds(200), Deed::mine, 0, 1}};
  setup.broadcasts = {Broadcast::fails, Broadcast::fails, Broadcast::fails, Broadcast::fails, Broadcast::fails};
  setup.broadcast = Broadcast::fails;
  World world(setup);
  CHECK(!world.call("multifundchannel", one_channel).ok());
  world.run_for(seconds(300));
  const auto& monitor = world.node().core().monitor;
  REQUIRE(monitor.attempted().size() == 1);
  CHECK(monitor.is_dead(monitor.attempted().begin()->second));
  CHECK(coin(world).state == sim::Coin::State::spent);
}

TEST_CASE("others free and take coins, and open channels") {
  auto setup = with_peers(2);
  setup.acts = {{seconds(1), Deed::take, 0, 30},      {seconds(2), Deed::unreserve, 0, 0},
                {seconds(3), Deed::open, 0, 1},       {seconds(4), Deed::give_up, 0, 1},
                {seconds(5), Deed::open_fully, 0, 1}, {seconds(6), Deed::incoming, 1, 1}};
  World world(setup);
  world.run_for(std::chrono::milliseconds(1500));
  CHECK(coin(world).others_until == 140);
  CHECK(coin(world).reserved_until == 140);
  world.run_for(seconds(1));
  CHECK(!world.node().core().wallet.is_reserved(coin(world)));
  world.run_for(seconds(1));
  CHECK(world.peer("a").opening->others);
  world.run_for(seconds(1));
  CHECK(!world.peer("a").opening);
  world.run_for(seconds(1));
  CHECK(world.peer("a").channels.front().others);
  world.run_for(seconds(1));
  CHECK(!world.peer("b").channels.front().opened_by_us);
  CHECK(world.check_invariants().empty());
}

TEST_CASE("what lightningd frees with a withheld channel is nobody's any more") {
  auto setup = with_peers(3);
  setup.peers[0].faults = {{Phase::opened, Kind::refuse, false, seconds(1)}};
  setup.peers[1].faults = {{Phase::complete, Kind::silent}};
  setup.peers[2].faults = {{Phase::start, Kind::refuse}};
  setup.acts = {{std::chrono::milliseconds(500), Deed::take, 0, 30}};
  World world(setup);
  (void)world.start("multifundchannel", two_channels);
  world.run_for(std::chrono::milliseconds(900));
  CHECK(coin(world).others_until == 140);
  world.run_for(seconds(9));
  CHECK(coin(world).others_until == 0);
  CHECK(!world.node().core().wallet.is_reserved(coin(world)));
  // So it may be chosen, and be given back.
  CHECK(!world.call("multifundchannel", R"({"destinations":[{"id":"$c","amount":1000000}]})").ok());
  CHECK(calls(world, "unreserveinputs") == 1);
  CHECK(world.check_invariants() == std::vector<std::string>());
}

TEST_CASE("before v25.12 what was ready to be sent is kept when an input is gone, until that is deep") {
  auto setup = with_peers(1);
  setup.version = "v25.09";
  setup.acts = {{seconds(1), Deed::spend, 0, 1}};
  sim::RpcFault fault;
  fault.what = Mishap::stuck;
  fault.method = "sendpsbt";
  setup.rpc_faults = {fault};
  World world(setup);
  CHECK(world.call("multifundchannel", one_channel).result.error().code == 303);
  world.run_for(std::chrono::minutes(20));
  CHECK(world.node().datastore().entries().size() == 1);
  CHECK(world.check_invariants() == std::vector<std::string>());
  CHECK(world.node().datastore().entries().empty());
  CHECK(world.node().core().monitor.attempted().empty());
}

TEST_CASE("killing openings of others is noticed") {
  auto setup = with_peers(1);
  setup.acts = {{seconds(1), Deed::open, 0, 1}};
  World world(setup);
  world.run_for(seconds(2));
  CHECK(world.call("disconnect", R"({"id":"$a","force":true})").ok());
  REQUIRE(world.node().core().monitor.violations().size() == 1);
  CHECK(world.node().core().monitor.violations()[0].starts_with("invariant 5"));
}

TEST_CASE("blocks confirm and lock in, and reservations lapse") {
  auto setup = with_peers(1);
  World world(setup);
  CHECK(world.call("multifundchannel", one_channel).ok());
  world.mine(1);
  CHECK(coin(world).state == sim::Coin::State::spent);
  CHECK(world.peer("a").channels.front().state == "CHANNELD_AWAITING_LOCKIN");
  world.mine(2);
  CHECK(world.peer("a").channels.front().state == "CHANNELD_NORMAL");
  CHECK(world.peer("a").channels.front().short_channel_id == "111x1x0");

  World other(with_peers(0));
  CHECK(other.call("fundpsbt", R"(["1000sat","7500perkw",200,1,12])").ok());
  other.mine(11);
  CHECK(other.node().core().wallet.is_reserved(coin(other)));
  other.mine(1);
  CHECK(!other.node().core().wallet.is_reserved(coin(other)));
}

TEST_CASE("what a killed plugin has written is still carried out") {
  auto setup = with_peers(1);
  setup.read_delay = seconds(2);
  World world(setup);
  world.run_for(spark::Duration(0));
  CHECK(calls(world, "makesecret") == 0);
  world.kill_plugin();
  world.run_for(seconds(5));
  CHECK(calls(world, "makesecret") == 1);
}

TEST_CASE("what lightningd had not done when it was killed is not done") {
  auto setup = with_peers(1);
  setup.read_delay = seconds(2);
  World world(setup);
  const auto call = world.start("multifundchannel", one_channel);
  world.run_for(spark::Duration(0));
  world.kill_lightningd();
  CHECK(world.outcome(call).lost);
  CHECK(world.outcome(call).replies == 1);
  world.run_for(seconds(5));
  CHECK(calls(world, "makesecret") == 0);
  CHECK(!world.call("getinfo", "{}").ok());
  world.start_lightningd();
  CHECK(world.ready());
  CHECK(world.check_invariants().empty());
}

TEST_CASE("kills come before the event that they name, and the process starts again") {
  using sim::End;
  for (const auto how : {End::kill_plugin, End::kill_lightningd, End::stop_plugin, End::stop_lightningd}) {
    std::uint64_t last = 0;
    for (std::uint64_t event = 0; event < 200; event += 7) {
      auto setup = with_peers(2);
      setup.kills = {{event, how, seconds(1), ""}};
      World world(setup);
      const auto call = world.start("multifundchannel", two_channels);
      while (world.ready() && world.events() <= event + 1 && !world.outcome(call).answered)
        world.run_for(spark::Duration(1));
      last = world.events();
      CAPTURE(event);
      CHECK(world.check_invariants() == std::vector<std::string>());
      CHECK(world.ready());
    }
    CHECK(last > 0);
  }
}
