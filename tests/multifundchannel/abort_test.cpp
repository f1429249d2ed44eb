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
using worlds::channels;
using worlds::count;
using worlds::of_batch;
using worlds::open;
using worlds::peer;
using worlds::reserved;
using worlds::state;
using worlds::with;

namespace {

constexpr auto confirmed = R"("confirm":true)";

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

/// Another user of the wallet frees it, whoever has reserved it, and spends it.
void spend_first_coin(World& world) {
  auto& wallet = world.node().core().wallet;
  auto& coin = wallet.coins().front();
  wallet.take(coin, 0, world.time().now());
  world.node().sending().spend_for_others(coin);
}

void mine(World& world, int blocks) {
  for (; blocks > 0; --blocks) {
    world.mine(1);
    world.run_for(minutes(10));
  }
}

/// Transactions: of a batch that is sent, and of two aborts, the second in the place of the first.
struct Aborted {
  std::string batch, first, second;
};

Aborted abort_twice(World& world) {
  const auto txid_of = [](const sim::Outcome& outcome) { return worlds::text(outcome, "txid"); };
  Aborted all;
  all.batch = txid_of(world.call("multifundchannel", R"({"destinations":[
      {"id":"$a@","amount":1000000,"feeppm":250},{"id":"$b@","amount":1000000}]})"));
  world.run_for(seconds(10));
  REQUIRE(state(world) == "settling");
  all.first =
      txid_of(world.call("multifundchannel-abort", of_batch(world, R"("feerate":"10000perkw","confirm":true)")));
  world.run_for(minutes(1));
  all.second =
      txid_of(world.call("multifundchannel-abort", of_batch(world, R"("feerate":"30000perkw","confirm":true)")));
  world.run_for(minutes(1));
  return all;
}

/// The height to which the wallet has reserved what it has of this transaction; 0: it has not.
std::uint32_t reserved_to(World& world, const std::string& txid) {
  for (const auto& coin : world.node().core().wallet.coins()) {
    if (coin.outpoint.txid.hex() != txid) continue;
    return world.node().core().wallet.is_reserved(coin) ? coin.reserved_until : 0;
  }
  throw std::logic_error("the wallet has no coin of " + txid);
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
  CHECK(state(world) == "aborting");
  CHECK(worlds::says(worlds::listed(world), "the batch's own transaction is in the chain, "));
  mine(world, 4);
  CHECK(state(world) == "aborting");
  mine(world, 1);
  CHECK(state(world) == "opened");
  CHECK(channels(world) == 2);
  worlds::check_invariants(world);
}

TEST_CASE("the outputs of what never confirms are reserved for good, with all that builds upon them") {
  auto setup = with({peer("a"), peer("b")});
  setup.rpc_faults = {RpcFault{Mishap::refused, "setchannel", 1, 1'000}};
  SUBCASE("at once") {}
  SUBCASE("at the second attempt") {
    World before(setup);
    (void)abort_twice(before);
    mine(before, 6);
    setup.rpc_faults.push_back(RpcFault{Mishap::refused, "reserveinputs", worlds::calls(before, "reserveinputs"), 1});
  }
  World world(setup);
  const auto all = abort_twice(world);
  mine(world, 7);
  CHECK(state(world) == "undone");
  CHECK(reserved_to(world, all.batch) > 900'000);
  CHECK(reserved_to(world, all.first) > 900'000);
  CHECK(reserved_to(world, all.second) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("the outputs of an abort that has lost are reserved for good") {
  auto setup = with({peer("a"), peer("b")});
  setup.rpc_faults = {RpcFault{Mishap::refused, "setchannel", 1, 1'000}};
  World world(setup);
  const auto all = abort_twice(world);
  auto& chain = world.node().core().chain;
  const auto batch = *bitcoin::Txid::from_hex(all.batch);
  chain.drop(*bitcoin::Txid::from_hex(all.second));
  (void)chain.submit(world.node().core().monitor.attempted().at(batch));
  mine(world, 7);
  CHECK(state(world) == "settling");  // its policy is refused
  CHECK(reserved_to(world, all.batch) == 0);
  CHECK(reserved_to(world, all.first) > 900'000);
  CHECK(reserved_to(world, all.second) > 900'000);
}

TEST_CASE("a second abort replaces the first, for a higher fee") {
  World world(refused());
  begin(world);
  const auto first = world.call("multifundchannel-abort", of_batch(world, R"("feerate":"1000perkw","confirm":true)"));
  world.run_for(minutes(1));
  const auto second = world.call("multifundchannel-abort", of_batch(world, R"("feerate":"9000perkw","confirm":true)"));
  CHECK(std::stoull(worlds::field(second, "fee_msat")) > std::stoull(worlds::field(first, "fee_msat")));
  CHECK(worlds::field(second, "inputs") == worlds::field(first, "inputs"));
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
  CHECK(worlds::says(
      worlds::error(world.call("multifundchannel-abort", of_batch(world, R"("feerate":"3000000perkw")"))).message,
      "limit of 0.1 BTC for 1,000 vbytes"));
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
  spend_first_coin(world);
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

TEST_CASE("a rival that the wallet has not recorded ends the batch, six blocks after it was first seen") {
  auto setup = refused();
  setup.coins = {sim::CoinSetup{bitcoin::Sat{3'000'001}}};
  for (const bool aborted : {false, true}) {
    World world(setup);
    begin(world);
    spend_first_coin(world);
    if (aborted) (void)world.call("multifundchannel-abort", of_batch(world, confirmed));
    mine(world, 6);
    CHECK(state(world) == (aborted ? "aborting" : "unsettled"));
    CHECK(channels(world) == 2);
    CHECK(world.call("listmultifundchannels", "{}").result->find("that the wallet has not recorded") !=
          std::string::npos);
    mine(world, 1);
    CHECK(state(world) == "undone");
    CHECK(channels(world) == 0);
    CHECK(world.node().sending().sent().empty());
    worlds::check_invariants(world);
  }
}

TEST_CASE("an input is left that can be spent, when another transaction has spent one and no channel proves which") {
  auto setup = refused();
  setup.coins = {sim::CoinSetup{bitcoin::Sat{1'500'001}}, sim::CoinSetup{bitcoin::Sat{1'500'000}}};
  World world(setup);
  begin(world);
  auto& core = world.node().core();
  for (auto& coin : core.wallet.coins()) core.wallet.take(coin, 0, world.time().now());
  world.node().sending().spend_for_others(core.wallet.coins()[0]);
  for (auto& one : core.peers.all()) one.channels.front().state = "AWAITING_UNILATERAL";
  mine(world, 8);
  CHECK(state(world) == "unsettled");
  // Nothing holds the other one meanwhile.
  core.wallet.take(core.wallet.coins()[1], 0, world.time().now());
  const auto begun = world.call("multifundchannel-abort", of_batch(world, confirmed));
  CHECK(worlds::field(begun, "inputs") == "[\"" + core.wallet.coins()[1].outpoint.str() + "\"]");
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
  for (const auto* used :
       {"CHANNELD_NORMAL", "CHANNELD_AWAITING_SPLICE", "CHANNELD_SHUTTING_DOWN", "CLOSINGD_SIGEXCHANGE"}) {
    CAPTURE(used);
    World world(refused());
    begin(world);
    auto& channel = world.node().core().peers.all()[0].channels.front();
    const auto before = std::exchange(channel.state, used);
    const auto refusal = worlds::error(world.call("multifundchannel-abort", of_batch(world, confirmed)));
    CHECK(refusal.code == -1);
    CHECK(refusal.message.find("is in use already") != std::string::npos);
    channel.state = before;
    worlds::check_invariants(world);
  }
}

TEST_CASE("nothing is signed when a channel has come to be in use since the user decided") {
  World world(refused());
  begin(world);
  auto& channel = world.node().core().peers.all()[0].channels.front();
  (void)world.call("multifundchannel-abort", of_batch(world, confirmed));
  const auto before = std::exchange(channel.state, "CHANNELD_NORMAL");
  world.run_for(minutes(1));
  CHECK(world.node().sending().sent().empty());
  CHECK(worlds::says(worlds::listed(world), "is in use by now"));
  channel.state = before;
  world.run_for(minutes(6));
  CHECK(world.node().sending().sent().size() == 1);
  worlds::check_invariants(world);
}

namespace {

/// Coins of these sizes, all of which the batch spends.
sim::Setup many_coins(std::size_t count, std::uint64_t sat) {
  auto setup = refused();
  setup.coins.assign(count, sim::CoinSetup{bitcoin::Sat{sat}});
  return setup;
}

}  // namespace

TEST_CASE("as many inputs are spent as are needed to outbid the batch's transaction, the largest first") {
  auto setup = many_coins(40, 60'000);
  setup.coins[7].amount = {61'000};
  World world(setup);
  (void)world.call("multifundchannel", open({"a", "b"}, R"("feerate":"15000perkw")"));
  world.run_for(seconds(10));
  REQUIRE(state(world) == "refused");
  const auto begun = world.call("multifundchannel-abort", of_batch(world, confirmed));
  const auto spent = count(begun, "inputs");
  CHECK(spent >= 2);  // the batch pays more than 130,000 sat
  CHECK(spent < 10);
  const auto first = worlds::field(begun, "inputs");
  const auto largest = world.node().core().wallet.coins()[7].outpoint.str();
  if (world.node().core().wallet.is_reserved(world.node().core().wallet.coins()[7])) CHECK(first.find(largest) == 2);
  world.run_for(minutes(6));
  CHECK(world.node().sending().sent().size() == 1);
  world.kill_plugin();  // the record names all of them
  world.start_plugin();
  mine(world, 7);
  CHECK(state(world) == "undone");
  CHECK(channels(world) == 0);
  CHECK(reserved(world) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("when all inputs together cannot pay, the error has the figures") {
  World world(many_coins(40, 60'000));
  begin(world);
  const auto error = worlds::error(world.call("multifundchannel-abort", of_batch(world, R"("feerate":"400000perkw")")));
  CHECK(error.code == -1);
  CHECK(worlds::says(error.message, "inputs of the batch that can be spent cannot pay: they bring "));
  CHECK(worlds::says(error.message, " sat in all, and at 400000 perkw the fee would be "));
  CHECK(state(world) == "refused");
  worlds::check_invariants(world);
}

TEST_CASE("a fee below the mempool's floor is refused; without a feerate it is at least that") {
  World world(refused());
  begin(world);
  world.node().core().setup.feerate_floor = 30'000;
  const auto low = world.call("multifundchannel-abort", of_batch(world, R"("feerate":"20000perkw","confirm":true)"));
  CHECK(worlds::error(low).code == -32602);
  CHECK(worlds::says(worlds::error(low).message, "mempool's floor of 30000 perkw"));
  CHECK(state(world) == "refused");
  CHECK(worlds::field(world.call("multifundchannel-abort", of_batch(world)), "feerate_perkw") == "30000");
  worlds::check_invariants(world);
}

TEST_CASE("an abort that costs a good part of what it saves says so") {
  World world(many_coins(40, 60'000));
  begin(world);
  const auto offer = world.call("multifundchannel-abort", of_batch(world, R"("feerate":"50000perkw")"));
  CHECK(worlds::says(worlds::field(offer, "warnings"), " % of the "));
  worlds::check_invariants(world);
}

TEST_CASE("an input that another program takes keeps no other from being held, and others are spent instead of it") {
  auto setup = refused();
  setup.coins = {sim::CoinSetup{bitcoin::Sat{1'500'001}}, sim::CoinSetup{bitcoin::Sat{1'500'000}}};
  World world(setup);
  begin(world);
  auto& core = world.node().core();
  auto& coins = core.wallet.coins();
  const auto begun = world.call("multifundchannel-abort", of_batch(world, confirmed));
  REQUIRE(worlds::field(begun, "inputs") == "[\"" + coins[0].outpoint.str() + "\"]");
  core.wallet.take(coins[0], 5'000, world.time().now());
  core.wallet.take(coins[1], 0, world.time().now());  // its reservation has lapsed
  world.run_for(minutes(6));
  CHECK(world.node().sending().sent().empty());
  CHECK(worlds::says(worlds::listed(world), "call multifundchannel-abort again to spend others"));
  CHECK(core.wallet.is_reserved(coins[1]));
  const auto again = world.call("multifundchannel-abort", of_batch(world, confirmed));
  CHECK(worlds::field(again, "inputs") == "[\"" + coins[1].outpoint.str() + "\"]");
  world.run_for(minutes(6));
  CHECK(world.node().sending().sent().size() == 1);
  mine(world, 7);
  CHECK(state(world) == "undone");
  worlds::check_invariants(world);
}

namespace {

/// Two batches with the same peers, both refused.
void begin_two(World& world) {
  for (int i = 0; i < 2; ++i) {
    (void)world.call("multifundchannel", open({"a", "b"}));
    world.run_for(seconds(10));
  }
  world.run_for(seconds(30));
  REQUIRE(channels(world) == 4);
}

sim::Setup refused_twice() {
  auto setup = refused();
  setup.coins.resize(3);
  setup.broadcasts = std::vector<Broadcast>(4, Broadcast::refused);
  setup.acts.push_back({seconds(40), sim::Deed::floor, 0, 20'000});  // and so it stays
  return setup;
}

/// Their ids, the older one first.
std::vector<std::string> batches(World& world) {
  std::vector<std::string> found;
  const auto all = worlds::listed(world);
  static const std::string word = R"("batch":")";
  for (auto at = all.find(word); at != std::string::npos; at = all.find(word, at + 1)) {
    found.push_back(all.substr(at + word.size(), 32));
  }
  const auto oldest = world.node().core().peers.all()[0].channels.front().funding.txid.hex();
  if (found.size() == 2 && all.find(oldest) > all.find(found[1])) std::swap(found[0], found[1]);
  return found;
}

void abort_batch(World& world, const std::string& batch) {
  const auto begun = world.call("multifundchannel-abort", R"({"batch":")" + batch + R"(","confirm":true})");
  CHECK(worlds::field(begun, "aborting") == "true");
}

}  // namespace

TEST_CASE("two aborted batches with the same peers are both cleared up") {
  for (const bool restarted : {false, true}) {
    CAPTURE(restarted);
    World world(refused_twice());
    begin_two(world);
    const auto both = batches(world);
    REQUIRE(both.size() == 2);
    abort_batch(world, both[1]);
    world.run_for(minutes(1));
    mine(world, 8);
    CHECK(channels(world) == 4);  // fundchannel_cancel would take those of the other
    CHECK(worlds::says(worlds::listed(world), "would take the peer's older channel"));
    abort_batch(world, both[0]);
    world.run_for(minutes(6));
    if (restarted) {
      world.kill_plugin();
      world.start_plugin();
    }
    mine(world, 8);
    world.run_for(minutes(11));
    CHECK(channels(world) == 0);
    CHECK(reserved(world) == 0);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a peer's own channel that never confirms holds up no coins, and in the end no record") {
  for (const bool older : {true, false}) {
    CAPTURE(older);
    auto setup = refused();
    sim::ChannelSetup theirs;
    theirs.state = "CHANNELD_AWAITING_LOCKIN";
    theirs.opened_by_us = false;
    theirs.withheld = true;  // so that it never locks in
    if (older) setup.peers[0].channels.push_back(theirs);
    if (!older) setup.acts.push_back({seconds(8), sim::Deed::incoming, 0, 1});
    World world(setup);
    begin(world);
    REQUIRE(channels(world) == 3);
    (void)world.call("multifundchannel-abort", of_batch(world, confirmed));
    world.run_for(minutes(1));
    mine(world, 8);
    CHECK(reserved(world) == 0);
    if (!older) {
      CHECK(state(world) == "undone");
      CHECK(channels(world) == 1);
    }
    if (older) {
      CHECK(state(world) == "aborting");
      CHECK(channels(world) == 2);
      for (int block = 0; block < 150; ++block) mine(world, 1);
    }
    CHECK(state(world) == "undone");
    if (older) CHECK(worlds::says(worlds::listed(world), "lightningd keeps the channel "));
  }
}

TEST_CASE(
    "what another transaction has made impossible is cleared up in the end, whatever is in the way of its channels") {
  for (const bool restarted : {false, true}) {
    CAPTURE(restarted);
    auto setup = refused();
    sim::ChannelSetup theirs;
    theirs.state = "CHANNELD_AWAITING_LOCKIN";
    theirs.opened_by_us = false;
    theirs.withheld = true;  // so that it never locks in
    setup.peers[0].channels.push_back(theirs);
    World world(setup);
    begin(world);
    spend_first_coin(world);
    mine(world, 7);
    CHECK(state(world) == "unsettled");
    CHECK(worlds::says(worlds::listed(world),
                       "is not cancelled yet: fundchannel_cancel would take the peer's older channel"));
    CHECK(reserved(world) == 0);
    if (restarted) {
      world.kill_plugin();
      world.start_plugin();
      world.run_for(minutes(1));
      CHECK(state(world) == "unsettled");
    }
    mine(world, 145);
    CHECK(state(world) == "undone");
    CHECK(worlds::says(worlds::listed(world), "lightningd keeps the channel "));
    CHECK(world.node().datastore().entries().empty());
  }
}
