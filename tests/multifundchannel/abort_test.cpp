// multifundchannel-abort, and batches whose transaction is impossible.

#include <utility>

#include "lightningd/client.hpp"
#include "worlds.hpp"

using sim::Broadcast;
using sim::End;
using sim::Kill;
using sim::Mishap;
using sim::RpcFault;
using sim::World;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::count;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

std::string field_of_batch(World& world, const std::string& name) {
  const auto listed = world.call("listmultifundchannels", "{}");
  const auto before = "\"" + name + "\":\"";
  const auto at = listed.result->find(before);
  if (at == std::string::npos) return "";
  const auto from = at + before.size();
  return listed.result->substr(from, listed.result->find('"', from) - from);
}

std::string state(World& world) { return field_of_batch(world, "state"); }

std::string of_batch(World& world, const std::string& more = "") {
  return R"({"batch":")" + field_of_batch(world, "batch") + "\"" + (more.empty() ? "" : "," + more) + "}";
}

constexpr auto confirmed = R"("confirm":true)";

std::size_t channels(World& world) { return count(world.call("listpeerchannels", "{}"), "channels"); }

std::size_t reserved(World& world) {
  const auto listed = world.call("listfunds", "{}");
  std::size_t found = 0;
  for (auto at = listed.result->find(R"("reserved":true)"); at != std::string::npos;
       at = listed.result->find(R"("reserved":true)", at + 1)) {
    ++found;
  }
  return found;
}

/// A batch of two that bitcoind refuses.
sim::Setup refused() {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcasts = std::vector<Broadcast>(2, Broadcast::refused);
  return setup;
}

void begin(World& world) {
  (void)world.call("multifundchannel", open({"a", "b"}));
  world.run_for(seconds(10));
  REQUIRE(state(world) == "refused");
}

void mine(World& world, int blocks) {
  for (; blocks > 0; --blocks) {
    world.mine(1);
    world.run_for(minutes(10));
  }
}

}  // namespace

TEST_CASE("an abort shows first what it does, waits for six blocks, and clears up") {
  World world(refused());
  begin(world);
  const auto offer = world.call("multifundchannel-abort", of_batch(world));
  CHECK(worlds::field(offer, "aborting") == "false");
  CHECK(std::stoull(worlds::field(offer, "fee_msat")) > 0);
  world.run_for(minutes(1));
  CHECK(state(world) == "refused");
  CHECK(world.node().sending().sent().empty());

  const auto begun = world.call("multifundchannel-abort", of_batch(world, confirmed));
  CHECK(worlds::field(begun, "aborting") == "true");
  world.run_for(minutes(1));
  CHECK(state(world) == "aborting");
  CHECK(world.node().sending().sent().size() == 1);
  mine(world, 5);
  CHECK(state(world) == "aborting");
  CHECK(channels(world) == 2);
  mine(world, 1);
  CHECK(state(world) == "undone");
  CHECK(channels(world) == 0);
  CHECK(reserved(world) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("an abort replaces what is stuck in the mempool") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcast = Broadcast::hides_success;
  World world(setup);
  (void)world.call("multifundchannel", open({"a", "b"}));
  world.run_for(seconds(10));
  REQUIRE(state(world) == "settling");
  const auto batch = world.node().sending().sent().at(0);
  REQUIRE(world.node().core().chain.has(batch));
  const auto begun = world.call("multifundchannel-abort", of_batch(world, R"("feerate":"253perkw","confirm":true)"));
  CHECK(std::stoull(worlds::field(begun, "feerate_perkw")) > 7'500);  // raised above the fee of what it replaces
  world.run_for(minutes(1));
  CHECK_FALSE(world.node().core().chain.has(batch));
  mine(world, 7);
  CHECK(state(world) == "undone");
  worlds::check_invariants(world);
}

TEST_CASE("when the batch's transaction confirms after all, the abort is over and the channels are opened") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcast = Broadcast::hides_success;
  setup.rpc_faults.push_back(RpcFault{Mishap::refused, "signpsbt", 4, 100, 1, {}});
  World world(setup);
  (void)world.call("multifundchannel", open({"a", "b"}));
  world.run_for(seconds(30));
  REQUIRE(state(world) == "settling");
  (void)world.call("multifundchannel-abort", of_batch(world, confirmed));
  world.run_for(minutes(1));
  CHECK(state(world) == "aborting");
  mine(world, 1);
  CHECK(state(world) == "opened");
  CHECK(channels(world) == 2);
  worlds::check_invariants(world);
}

TEST_CASE("a second abort replaces the first, for a higher fee") {
  World world(refused());
  begin(world);
  const auto first = world.call("multifundchannel-abort", of_batch(world, R"("feerate":"1000perkw","confirm":true)"));
  world.run_for(minutes(1));
  const auto second = world.call("multifundchannel-abort", of_batch(world, R"("feerate":"9000perkw","confirm":true)"));
  CHECK(std::stoull(worlds::field(second, "fee_msat")) > std::stoull(worlds::field(first, "fee_msat")));
  CHECK(worlds::field(second, "input") == worlds::field(first, "input"));
  world.run_for(minutes(6));
  CHECK(world.node().sending().sent().size() == 2);
  mine(world, 7);
  CHECK(state(world) == "undone");
  worlds::check_invariants(world);
}

TEST_CASE("an abort survives crashes, wherever they fall") {
  for (const auto how : {End::kill_plugin, End::kill_lightningd}) {
    for (const int milliseconds : {0, 5, 10, 20, 40, 80, 30'000}) {
      for (const int blocks : {0, 3, 6}) {
        CAPTURE(static_cast<int>(how));
        CAPTURE(milliseconds);
        CAPTURE(blocks);
        World world(refused());
        begin(world);
        (void)world.start("multifundchannel-abort", of_batch(world, confirmed));
        if (blocks > 0) world.run_for(minutes(1));
        for (int mined = 1; mined < blocks; ++mined) mine(world, 1);
        if (blocks > 0) world.mine(1);
        world.run_for(std::chrono::milliseconds(milliseconds));
        how == End::kill_plugin ? world.kill_plugin() : world.kill_lightningd();
        world.run_for(seconds(1));
        how == End::kill_plugin ? world.start_plugin() : world.start_lightningd();
        world.run_for(minutes(2));
        mine(world, 8);
        worlds::check_invariants(world);
      }
    }
  }
}

TEST_CASE("what cannot be aborted says why") {
  World world(refused());
  const std::string nobody(32, '0');
  CHECK(worlds::error(world.call("multifundchannel-abort", R"({"batch":")" + nobody + "\"}")).code == -32602);
  CHECK(worlds::error(world.call("multifundchannel-abort", R"({"batch":"x"})")).code == -32602);
  begin(world);
  for (const auto* wrong : {R"("feerate":"quick")", R"("feerate":"")", R"("feerate":[])", R"("confirm":"true")"}) {
    CAPTURE(wrong);
    CHECK(worlds::error(world.call("multifundchannel-abort", of_batch(world, wrong))).code == -32602);
  }
  CHECK(worlds::error(world.call("multifundchannel-abort", of_batch(world, R"("feerate":"3000000perkw")"))).code ==
        -32602);
  CHECK(state(world) == "refused");
}

TEST_CASE("an input that another transaction has spent, six blocks deep, ends the batch") {
  World world(refused());
  begin(world);
  auto& core = world.node().core();
  auto& coin = core.wallet.coins().front();
  core.wallet.take(coin, 0, world.time().now());
  world.node().sending().spend_for_others(coin);
  mine(world, 5);
  CHECK(state(world) == "unsettled");
  CHECK(channels(world) == 2);
  mine(world, 1);
  CHECK(state(world) == "undone");
  CHECK(channels(world) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("nothing is signed with an input that another program has reserved meanwhile") {
  World world(refused());
  begin(world);
  auto& core = world.node().core();
  auto& coin = core.wallet.coins().front();
  (void)world.call("multifundchannel-abort", of_batch(world, confirmed));
  core.wallet.take(coin, 5'000, world.time().now());
  world.run_for(minutes(30));
  CHECK(state(world) == "aborting");
  CHECK(world.node().sending().sent().empty());
  CHECK(worlds::error(world.call("multifundchannel-abort", of_batch(world))).code == -1);

  core.wallet.take(coin, 0, world.time().now());
  world.run_for(minutes(6));
  CHECK(world.node().sending().sent().size() == 1);
  mine(world, 7);
  CHECK(state(world) == "undone");
  worlds::check_invariants(world);
}

TEST_CASE("an input is left that can be spent, when another transaction has spent one and no wallet tells which") {
  auto setup = refused();
  setup.coins = {sim::CoinSetup{lightningd::Sat{1'500'001}}, sim::CoinSetup{lightningd::Sat{1'500'000}}};
  World world(setup);
  begin(world);
  auto& core = world.node().core();
  for (auto& coin : core.wallet.coins()) core.wallet.take(coin, 0, world.time().now());
  world.node().sending().spend_for_others(core.wallet.coins()[0]);
  mine(world, 8);
  CHECK(state(world) == "unsettled");
  // Nothing holds the other one meanwhile.
  core.wallet.take(core.wallet.coins()[1], 0, world.time().now());
  const auto begun = world.call("multifundchannel-abort", of_batch(world, confirmed));
  CHECK(worlds::field(begun, "input") == "\"" + core.wallet.coins()[1].outpoint.str() + "\"");
  world.run_for(minutes(6));
  CHECK(world.node().sending().sent().size() == 1);
  mine(world, 7);
  CHECK(state(world) == "undone");
  worlds::check_invariants(world);
}

TEST_CASE("nothing is signed for an abort before its record is written") {
  std::uint64_t written = 0;
  {
    World world(refused());
    begin(world);
    written = worlds::calls(world, "datastore");
  }
  auto setup = refused();
  setup.rpc_faults.push_back(RpcFault{Mishap::stuck, "datastore", written + 1, 1, 1, {}});
  World world(setup);
  begin(world);
  const auto begun = world.call("multifundchannel-abort", of_batch(world, confirmed), minutes(10));
  CHECK(lightningd::in_doubt(worlds::error(begun)));
  CHECK(state(world) == "aborting");
  world.run_for(minutes(1));
  CHECK(world.node().sending().sent().size() == 1);
  CHECK(worlds::calls(world, "datastore") == written + 1);  // that are carried out
  world.kill_plugin();
  world.start_plugin();
  mine(world, 7);
  CHECK(state(world) == "undone");
  worlds::check_invariants(world);
}

TEST_CASE("a channel that is in use already is not aborted") {
  World world(refused());
  begin(world);
  auto& channel = world.node().core().peers.all()[0].channels.front();
  const auto before = std::exchange(channel.state, "CHANNELD_NORMAL");
  const auto refusal = worlds::error(world.call("multifundchannel-abort", of_batch(world, confirmed)));
  CHECK(refusal.code == -1);
  CHECK(refusal.message.find("is in use already") != std::string::npos);
  CHECK(state(world) == "refused");
  channel.state = before;
  worlds::check_invariants(world);
}
