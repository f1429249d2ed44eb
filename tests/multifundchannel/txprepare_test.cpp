// The dry run with txprepare: inputs that are handed over without ever being free, whatever happens meanwhile.
// That it does all that the other one does is for the other tests: they run with either.
#include <algorithm>

#include "worlds.hpp"

using namespace std::chrono_literals;
using sim::CoinSetup;
using sim::Mishap;
using sim::RpcFault;
using sim::World;
using worlds::open;
using worlds::peer;

namespace {

sim::Setup with_txprepare(std::vector<sim::PeerSetup> peers) {
  auto setup = worlds::with(std::move(peers));
  setup.options["multifundchannel-dry-run"] = R"("txprepare")";
  return setup;
}

sim::Setup two() { return with_txprepare({peer("a"), peer("b")}); }

sim::Coin& coin(World& world) { return world.node().core().wallet.coins().front(); }

std::size_t calls_of(World& world, const std::string& method) {
  const auto& calls = world.node().core().methods.calls();
  const auto found = calls.find(method);
  return found == calls.end() ? 0 : found->second;
}

/// The plugin's calls of the wallet up to the first fundchannel_start, with their parameters.
std::vector<std::string> wallet_calls(World& world) {
  std::vector<std::string> calls;
  for (const auto& line : world.node().core().monitor.log()) {
    const auto at = line.find("-> ");
    if (at == std::string::npos) continue;
    const auto call = line.substr(at + 3);
    if (call.starts_with("fundchannel_start")) break;
    for (const auto* method : {"fundpsbt ", "utxopsbt ", "newaddr ", "txprepare ", "reserveinputs ", "txdiscard "}) {
      if (call.starts_with(method)) calls.push_back(call);
    }
  }
  return calls;
}

std::string method_of(const std::string& call) { return call.substr(0, call.find(' ')); }

}  // namespace

TEST_CASE("txprepare gets a placeholder for each destination, and its inputs are handed over") {
  auto setup = two();
  setup.trace = true;
  World world(std::move(setup));
  const auto outcome =
      world.call("multifundchannel", R"({"destinations":[{"id":"$a@","amount":1000000},{"id":"$b@","amount":"all"}]})");
  CHECK(worlds::count(outcome, "channel_ids") == 2);
  const auto calls = wallet_calls(world);
  std::vector<std::string> methods;
  for (const auto& call : calls) methods.push_back(method_of(call));
  REQUIRE(methods ==
          std::vector<std::string>{"fundpsbt", "newaddr", "txprepare", "reserveinputs", "txdiscard", "utxopsbt"});
  CHECK(calls[0].find("\"reserve\":0") != std::string::npos);
  CHECK(calls[2].find("\":\"1000000sat\"},{\"bcrt1p") != std::string::npos);
  CHECK(calls[2].find("\":\"all\"}],\"feerate\":\"7500perkw\"") != std::string::npos);
  CHECK(calls[5].find("\"reserve\":0") != std::string::npos);
  CHECK(calls_of(world, "txsend") == 0);
  CHECK(world.node().txprepare().kept() == 0);
  worlds::check_invariants(world);
}

TEST_CASE("once txprepare has reserved the inputs they never are free") {
  auto setup = two();
  setup.reply_delay = 3ms;
  World world(std::move(setup));
  const auto call = world.start("multifundchannel", open({"a", "b"}));
  bool reserved = false;
  std::size_t looks = 0;
  while (!world.outcome(call).answered) {
    world.run_for(1ms);
    const bool now =
        world.node().core().wallet.is_reserved(coin(world)) || coin(world).state == sim::Coin::State::spent;
    if (reserved) ++looks;
    CHECK_MESSAGE((now || !reserved), looks);
    reserved = reserved || now;
  }
  CHECK(looks > 10);
  CHECK(world.outcome(call).ok());
  worlds::check_invariants(world);
}

TEST_CASE("what is handed over is reserved for a short while, and not for 72 blocks") {
  auto setup = with_txprepare({peer("a", {{sim::Phase::start, sim::Kind::silent}})});
  World world(std::move(setup));
  const auto height = world.node().core().wallet.height;
  (void)world.start("multifundchannel", open({"a"}));
  world.run_for(1s);
  CHECK(coin(world).reserved_until >= height + 12);
  CHECK(coin(world).reserved_until < height + 24);
  worlds::check_invariants(world);
}

TEST_CASE("a coin that somebody takes before txprepare makes it choose again") {
  std::size_t again = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    auto setup = two();
    setup.seed = seed;
    setup.coins.assign(2, CoinSetup{bitcoin::Sat{3'000'000}});
    setup.reply_delay = 10ms;
    World world(std::move(setup));
    const auto first = world.start("multifundchannel", open({"a"}));
    const auto second = world.start("multifundchannel", open({"b"}));
    world.finish_all();
    CHECK(world.outcome(first).ok());
    CHECK(world.outcome(second).ok());
    if (calls_of(world, "txprepare") > 2) ++again;
    worlds::check_invariants(world);
  }
  CHECK(again > 0);
}

TEST_CASE("whatever goes wrong with one of the calls, nothing is left") {
  for (const auto* method : {"fundpsbt", "newaddr", "getinfo", "txprepare", "reserveinputs", "txdiscard", "utxopsbt"}) {
    for (const auto what : {Mishap::reply_lost, Mishap::stuck, Mishap::late, Mishap::held_up, Mishap::unreadable,
                            Mishap::refused, Mishap::unknown, Mishap::cut}) {
      CAPTURE(method);
      CAPTURE(static_cast<int>(what));
      auto setup = two();
      RpcFault fault;
      fault.what = what;
      fault.method = method;
      fault.delay = 5s;
      setup.rpc_faults = {fault};
      World world(std::move(setup));
      const auto outcome = world.call("multifundchannel", open({"a", "b"}));
      CHECK(outcome.answered);
      world.run_for(std::chrono::minutes(16));
      // Not one of its 72 blocks has to pass.
      if (!outcome.ok()) CHECK_FALSE(world.node().core().wallet.is_reserved(coin(world)));
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("a kill at any moment leaves nothing reserved") {
  std::uint64_t last = 0;
  {
    World world(two());
    (void)world.call("multifundchannel", open({"a", "b"}));
    last = world.events();
  }
  for (std::uint64_t event = 1; event < last; ++event) {
    for (const bool lightningd : {false, true}) {
      CAPTURE(event);
      CAPTURE(lightningd);
      auto setup = two();
      setup.kills = {{event, lightningd ? sim::End::kill_lightningd : sim::End::kill_plugin, 1s, ""}};
      World world(std::move(setup));
      const auto call = world.start("multifundchannel", open({"a", "b"}));
      world.finish_all();
      world.run_for(std::chrono::minutes(1));
      const bool opened = world.outcome(call).ok() || !world.peer("a").channels.empty();
      if (!opened) CHECK_FALSE(world.node().core().wallet.is_reserved(coin(world)));
      worlds::check_invariants(world);
    }
  }
}

namespace {

/// Whether the batch opens, while `blocks` come at that moment; `failing` is a call that is refused.
void with_blocks(spark::Duration at, std::uint32_t blocks, const std::string& failing) {
  CAPTURE(at.count());
  CAPTURE(failing);
  auto setup = two();
  setup.reply_delay = 10ms;
  setup.acts = {{at, sim::Deed::mine, 0, blocks}};
  if (!failing.empty()) {
    RpcFault fault;
    fault.what = Mishap::refused;
    fault.method = failing;
    setup.rpc_faults = {fault};
  }
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}));
  CHECK(outcome.ok() == failing.empty());
  world.run_for(30s);
  if (!outcome.ok()) CHECK_FALSE(world.node().core().wallet.is_reserved(coin(world)));
  worlds::check_invariants(world);
}

}  // namespace

TEST_CASE("blocks between the height and txprepare change nothing") {
  for (const auto at : {1ms, 15ms, 25ms, 35ms, 45ms, 55ms, 65ms, 75ms, 85ms}) {
    for (const std::uint32_t blocks : {1, 5}) {
      for (const auto* failing : {"", "txdiscard", "utxopsbt"}) with_blocks(at, blocks, failing);
    }
  }
}

TEST_CASE("somebody who takes the coin in the middle keeps it") {
  for (const auto at : {5ms, 15ms, 25ms, 35ms, 45ms, 55ms, 65ms, 75ms, 85ms}) {
    CAPTURE(at.count());
    auto setup = two();
    setup.reply_delay = 10ms;
    setup.acts = {{at, sim::Deed::take, 0, 100}};
    World world(std::move(setup));
    const auto until = world.node().core().wallet.height + 100;
    const auto outcome = world.call("multifundchannel", open({"a", "b"}));
    world.run_for(std::chrono::minutes(2));
    CHECK(outcome.answered);
    if (coin(world).others_until > 0) CHECK(coin(world).reserved_until >= until);
    worlds::check_invariants(world);
  }
}

TEST_CASE("somebody who takes the coin while an answer is late keeps it") {
  auto setup = two();
  RpcFault fault;
  fault.what = Mishap::late;
  fault.method = "reserveinputs";
  fault.delay = 14s;
  setup.rpc_faults = {fault};
  setup.acts = {{1s, sim::Deed::take, 0, 7}};
  World world(std::move(setup));
  const auto until = world.node().core().wallet.height + 7;
  const auto error = worlds::error(world.call("multifundchannel", open({"a", "b"})));
  CHECK(error.message.find("another program") != std::string::npos);
  CHECK(calls_of(world, "txdiscard") == 0);
  CHECK(coin(world).reserved_until == until);
  worlds::check_invariants(world);
}

namespace {

constexpr auto the_coin = R"("utxos":["$coin0"])";

/// The first txprepare is answered late, and with the second one this happens meanwhile.
sim::Setup two_for_one_coin(Mishap second) {
  auto setup = two();
  setup.coins = {{bitcoin::Sat{3'000'000}}};
  setup.rpc_faults = {RpcFault{Mishap::late, "txprepare", 1, 1}, RpcFault{second, "txprepare", 2, 1}};
  setup.rpc_faults.front().delay = 50ms;
  return setup;
}

}  // namespace

// The second was refused in words that nobody expects, before the first had its answer.
TEST_CASE("a batch in doubt does not free the coins for which another one has asked") {
  World world(two_for_one_coin(Mishap::refused));
  const auto first = world.start("multifundchannel", open({"a"}, the_coin));
  const auto second = world.start("multifundchannel", open({"b"}, the_coin));
  world.finish_all();
  CHECK(worlds::count(world.outcome(first), "channel_ids") == 1);
  CHECK(worlds::error(world.outcome(second)).message == "an error that nobody expects");
  worlds::check_invariants(world);
}

// Neither has its answer when the connection breaks: the first one has the coin, and frees it.
TEST_CASE("two batches in doubt about one coin leave it free") {
  World world(two_for_one_coin(Mishap::cut));
  const auto first = world.start("multifundchannel", open({"a"}, the_coin));
  const auto second = world.start("multifundchannel", open({"b"}, the_coin));
  world.finish_all();
  CHECK_FALSE(world.outcome(first).ok());
  CHECK_FALSE(world.outcome(second).ok());
  world.run_for(1min);
  CHECK(coin(world).state == sim::Coin::State::available);
  worlds::check_invariants(world);
}
