#include <algorithm>

#include "checks/coin_census.hpp"
#include "worlds.hpp"

using sim::CoinSetup;
using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::ScriptKind;
using sim::World;
using worlds::count;
using worlds::open;
using worlds::peer;
using worlds::with;

TEST_CASE("not enough money is found out before any peer is asked") {
  auto setup = with({peer("a"), peer("b")});
  setup.coins = {CoinSetup{bitcoin::Sat{1'500'000}}};
  World world(std::move(setup));
  CHECK(worlds::error(world.call("multifundchannel", open({"a", "b"}))).code == 301);
  CHECK(worlds::error(world.call("multifundchannel", open({"a", "b"}))).data.empty());
  CHECK(worlds::error(world.call("multifundchannel", open({"a", "b"}))).message.find("not counted") ==
        std::string::npos);
  worlds::check_invariants(world);
}

TEST_CASE("not enough money: the coins that do not count are told, and why") {
  for (const std::string more : {"", R"("dryrun":true)"}) {
    CAPTURE(more);
    auto setup = with({peer("a"), peer("b")});
    setup.coins = {CoinSetup{bitcoin::Sat{1'500'000}},
                   CoinSetup{bitcoin::Sat{9'000'000}, true, ScriptKind::p2tr, 100},
                   CoinSetup{bitcoin::Sat{8'000'000}, true, ScriptKind::p2tr, 50},
                   CoinSetup{bitcoin::Sat{7'000'000}, false},
                   CoinSetup{bitcoin::Sat{6'000'000}, true, ScriptKind::p2sh_p2wpkh},
                   CoinSetup{bitcoin::Sat{500}}};
    World world(std::move(setup));
    const auto until = world.node().core().wallet.height + 50;
    const auto message = worlds::error(world.call("multifundchannel", open({"a", "b"}, more))).message;
    CAPTURE(message);
    const auto has = [&message](const std::string& text) { return message.find(text) != std::string::npos; };
    CHECK(has("available UTXOs"));
    CHECK(has("; not counted: 2 coins (17000000 sat) reserved, the first until block " + std::to_string(until)));
    CHECK(has("; 1 coins (7000000 sat) with fewer than minconf=1 confirmations"));
    CHECK(has("; 1 coins (6000000 sat) wrapped in P2SH"));
    CHECK(has("; 1 coins (500 sat) not worth their fee at 7500perkw"));
    worlds::check_invariants(world);
  }
}

TEST_CASE("the given utxos do not suffice: what could be given, too, is told, and what stands in the way of the rest") {
  for (const std::string more : {"", R"(,"dryrun":true)"}) {
    CAPTURE(more);
    auto setup = with({peer("a"), peer("b")});
    setup.coins = {CoinSetup{bitcoin::Sat{1'500'000}},
                   CoinSetup{bitcoin::Sat{500}},
                   CoinSetup{bitcoin::Sat{3'000'000}},
                   CoinSetup{bitcoin::Sat{7'000'000}, false},
                   CoinSetup{bitcoin::Sat{9'000'000}, true, ScriptKind::p2tr, 100},
                   CoinSetup{bitcoin::Sat{6'000'000}, true, ScriptKind::p2sh_p2wpkh},
                   CoinSetup{bitcoin::Sat{400}}};
    World world(std::move(setup));
    const auto& coins = world.node().core().wallet.coins();
    const auto until = world.node().core().wallet.height + 100;
    const auto utxos = R"("utxos":[")" + coins[0].outpoint.str() + R"(",")" + coins[1].outpoint.str() + R"("])";
    const auto error = worlds::error(world.call("multifundchannel", open({"a", "b"}, utxos + more)));
    CHECK(error.code == 301);
    CAPTURE(error.message);
    const auto has = [&error](const std::string& text) { return worlds::says(error.message, text); };
    CHECK(has("using UTXOs totalling 1500500sat"));
    CHECK(has("; of the given utxos, 1 coins (500 sat) are not worth their fee at 7500perkw (leave them out)"));
    CHECK(has("; beside them, 2 coins (10000000 sat) could be given, too"));
    CHECK(has("; not counted: 1 coins (9000000 sat) reserved, the first until block " + std::to_string(until)));
    CHECK(has("; 1 coins (6000000 sat) wrapped in P2SH"));
    CHECK(has("; 1 coins (400 sat) not worth their fee at 7500perkw"));
    CHECK(!has("confirmations"));
    worlds::check_invariants(world);
  }
}

TEST_CASE("too little for the emergency reserve: the coins that do not count for it are told, and why") {
  for (const bool given : {false, true}) {
    for (const std::string more : {"", R"(,"dryrun":true)"}) {
      CAPTURE(given);
      CAPTURE(more);
      auto setup = with({peer("a")});
      setup.coins = {CoinSetup{bitcoin::Sat{1'010'000}}, CoinSetup{bitcoin::Sat{7'000'000}, false},
                     CoinSetup{bitcoin::Sat{9'000'000}, true, ScriptKind::p2tr, 100}, CoinSetup{bitcoin::Sat{400}}};
      World world(std::move(setup));
      const auto until = world.node().core().wallet.height + 100;
      const auto utxos = R"("utxos":[")" + world.node().core().wallet.coins()[0].outpoint.str() + R"("])";
      const auto error = worlds::error(
          world.call("multifundchannel", open({"a"}, (given ? utxos : std::string(R"("minconf":1)")) + more)));
      CHECK(error.code == 313);
      CAPTURE(error.message);
      const auto has = [&error](const std::string& text) { return worlds::says(error.message, text); };
      CHECK(has(
          "min-emergency-msat 25000sat; not counted for it: 1 coins (9000000 sat) reserved, the first until block " +
          std::to_string(until)));
      CHECK(has("; 1 coins (7000000 sat) unconfirmed (wait)"));
      CHECK(!has("not worth"));  // it counts as well as any
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("minconf beside utxos has no effect, as with the builtin: that is told") {
  for (const bool dryrun : {true, false}) {
    CAPTURE(dryrun);
    auto setup = with({peer("a")});
    setup.coins = {CoinSetup{}, CoinSetup{bitcoin::Sat{50'000'000}, false}};
    World world(std::move(setup));
    std::string utxos;
    for (const auto& coin : world.node().core().wallet.coins()) {
      utxos += (utxos.empty() ? "\"" : ",\"") + coin.outpoint.str() + "\"";
    }
    const auto young = world.node().core().wallet.coins()[1].outpoint.str();
    const auto outcome = world.call(
        "multifundchannel",
        open({"a"}, R"("minconf":1,"utxos":[)" + utxos + (dryrun ? R"(],"dryrun":true)" : R"(],"details":true)")));
    const auto warnings = worlds::field(outcome, "warnings");
    CHECK(warnings.find("minconf: has no effect on given utxos: " + young + " has 0 confirmations") !=
          std::string::npos);
    worlds::check_invariants(world);
  }
}

TEST_CASE("`all` takes what is left") {
  World world(with({peer("a"), peer("b")}));
  const auto outcome =
      world.call("multifundchannel", R"({"destinations":[{"id":"$a@","amount":"all"},{"id":"$b@","amount":1000000}]})");
  CHECK(count(outcome, "channel_ids") == 2);
  worlds::check_invariants(world);
}

TEST_CASE("`all` grows when another peer drops out, in any phase") {
  for (const auto phase : {Phase::connect, Phase::start, Phase::complete}) {
    CAPTURE(static_cast<int>(phase));
    World world(with({peer("a"), peer("b", {Fault{phase, Kind::refuse}})}));
    const auto outcome =
        world.call("multifundchannel",
                   R"({"destinations":[{"id":"$a@","amount":"all"},{"id":"$b@","amount":30000000}],"minchannels":1})");
    CHECK(count(outcome, "channel_ids") == 1);
    worlds::check_invariants(world);
    const auto channels = world.call("listpeerchannels", "{}");
    CHECK(worlds::field(channels, "channels").find("\"total_msat\":99") != std::string::npos);
  }
}

TEST_CASE("`all` itself may drop out: the others go on and the rest is change") {
  World world(with({peer("a", {Fault{Phase::start, Kind::refuse}}), peer("b")}));
  const auto outcome =
      world.call("multifundchannel",
                 R"({"destinations":[{"id":"$a@","amount":"all"},{"id":"$b@","amount":1000000}],"minchannels":1})");
  CHECK(count(outcome, "channel_ids") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("`all` is capped for a peer without large channels") {
  auto small = peer("a");
  small.features = "0898880a8259a1";  // the default without bits 18 and 19
  World world(with({small}));
  const auto outcome = world.call("multifundchannel", R"({"destinations":[{"id":"$a@","amount":"all"}]})");
  CHECK(count(outcome, "channel_ids") == 1);
  worlds::check_invariants(world);
  CHECK(worlds::field(world.call("listpeerchannels", "{}"), "channels").find("16777215000") != std::string::npos);
  const auto& log = world.node().core().monitor.log();
  CHECK(std::any_of(log.begin(), log.end(), [](const std::string& line) {
    return line.find("'all' was too large for non-wumbo channel, trimming from ") != std::string::npos &&
           line.ends_with("sat to 16777215sat");
  }));
}

TEST_CASE("`all` with nothing left for it is refused") {
  World world(with({peer("a"), peer("b")}));
  const auto outcome = world.call("multifundchannel",
                                  R"({"destinations":[{"id":"$a@","amount":"all"},{"id":"$b@","amount":200000000}]})");
  CHECK(worlds::error(outcome).code == -32602);
  worlds::check_invariants(world);
}

TEST_CASE("many inputs and many outputs: the fee stays exact") {
  auto setup = with({});
  setup.coins.assign(300, CoinSetup{bitcoin::Sat{2'000'000}});
  std::vector<std::string> names;
  for (int i = 0; i < 260; ++i) {
    names.push_back("p" + std::to_string(i));
    setup.peers.push_back(peer(names.back()));
  }
  World world(std::move(setup));
  CHECK(count(world.call("multifundchannel", open(names)), "channel_ids") == 260);
  worlds::check_invariants(world);
}

TEST_CASE("wrapped inputs are not chosen, and refused when given") {
  auto setup = with({peer("a")});
  setup.coins = {CoinSetup{bitcoin::Sat{5'000'000}, true, ScriptKind::p2sh_p2wpkh}};
  World world(std::move(setup));
  CHECK(worlds::error(world.call("multifundchannel", open({"a"}))).code == 301);
  worlds::check_invariants(world);
}

TEST_CASE("the emergency reserve is only kept for anchor channels") {
  auto plain = peer("a");
  plain.features = "0898880a0259a1";  // neither anchors nor large channels
  auto setup = with({plain});
  setup.coins = {CoinSetup{bitcoin::Sat{1'010'000}}};
  World world(setup);
  CHECK(count(world.call("multifundchannel", open({"a"})), "channel_ids") == 1);
  worlds::check_invariants(world);

  setup.peers = {peer("a")};
  World anchors(setup);
  CHECK(worlds::error(anchors.call("multifundchannel", open({"a"}))).code == 313);
  worlds::check_invariants(anchors);
}

// Another channel of the peer awaits its lock-in, so a cancel would take that one, and closing a withheld
// channel makes lightningd free its inputs, whoever has reserved them.
TEST_CASE("a channel is not closed while another program holds its input") {
  auto setup = with({peer("a"), peer("b", {Fault{Phase::complete, Kind::silent}})});
  setup.peers[0].channels = {{"CHANNELD_AWAITING_LOCKIN", true, true}};
  setup.acts = {{std::chrono::seconds(10), sim::Deed::take, 0, 30}};
  World world(std::move(setup));
  CHECK(!world.call("multifundchannel", open({"a", "b"})).ok());
  world.run_for(std::chrono::minutes(1));
  CHECK(world.peer("a").channels.size() == 2);
  CHECK(world.node().core().wallet.coins().front().reserved_until == 140);
  worlds::check_invariants(world);
  CHECK(world.peer("a").channels.size() == 1);
}

TEST_CASE("of coins that cannot be spent yet it is told until when") {
  lightningd::WalletOutput reward;
  reward.amount = bitcoin::Sat{5'000'000};
  reward.status = lightningd::OutputStatus::immature;
  lightningd::WalletOutput closed;
  closed.amount = bitcoin::Sat{20'000};
  closed.status = lightningd::OutputStatus::confirmed;
  closed.blockheight = 100;
  closed.spendable_at = 244;
  auto later = closed;
  later.spendable_at = 300;
  auto free = closed;
  free.spendable_at = 110;
  const checks::CoinCensus census({reward, later, closed, free}, 110);
  const auto told = census.not_chosen(1, bitcoin::Perkw{253});
  CAPTURE(told);
  CHECK(worlds::says(told, "1 coins (5000000 sat) immature (a block reward: wait for 100 blocks)"));
  CHECK(worlds::says(told, "2 coins (40000 sat) locked after a channel's close, the first until block 244 (wait)"));
}
