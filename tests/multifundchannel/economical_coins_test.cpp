// Coins that cost more than they bring, `all`, and what the wallet's answer comes to then.
#include "worlds.hpp"

using lightningd::Sat;
using sim::CoinSetup;
using sim::World;
using worlds::count;
using worlds::field;
using worlds::peer;
using worlds::with;

namespace {

/// Two coins worth it, and thirty of 600 sat: at 5000perkw each costs more than 1,000.
sim::Setup with_dust(std::vector<sim::PeerSetup> peers) {
  auto setup = with(std::move(peers));
  setup.coins = {CoinSetup{Sat{2'000'000}}, CoinSetup{Sat{1'000'000}}};
  for (int i = 0; i < 30; ++i) setup.coins.push_back(CoinSetup{Sat{600}});
  return setup;
}

std::string open_all(const std::string& amount, const std::string& more) {
  return R"({"destinations":[{"id":"$a@","amount":")" + amount + R"("}],"feerate":"5000perkw")" + more + "}";
}

std::size_t inputs_of(World& world) {
  std::size_t spent = 0;
  for (const auto& coin : world.node().core().wallet.coins()) {
    if (world.node().core().chain.spender(coin.outpoint)) ++spent;
  }
  return spent;
}

std::size_t reserved(World& world) {
  std::size_t reserved = 0;
  for (const auto& coin : world.node().core().wallet.coins()) {
    if (world.node().core().wallet.is_reserved(coin)) ++reserved;
  }
  return reserved;
}

}  // namespace

TEST_CASE("coins that cost more than they bring are left out of `all` and of shares") {
  for (const std::string amount : {"all", "100%", "*1", "50%"}) {
    CAPTURE(amount);
    World world(with_dust({peer("a")}));
    const auto outcome = world.call("multifundchannel", open_all(amount, R"(,"details":true)"));
    CHECK(count(outcome, "channel_ids") == 1);
    CHECK(count(outcome, "left_out") == 30);
    CHECK(inputs_of(world) == 2);
    CHECK(reserved(world) == 2);
    worlds::check_invariants(world);
  }
}

TEST_CASE("what the user chose is spent, whatever it costs") {
  World world(with_dust({peer("a")}));
  std::string utxos;
  for (const auto& coin : world.node().core().wallet.coins()) {
    utxos += (utxos.empty() ? "\"" : ",\"") + coin.outpoint.str() + "\"";
  }
  const auto outcome = world.call("multifundchannel", open_all("all", R"(,"details":true,"utxos":[)" + utxos + "]"));
  CHECK(count(outcome, "left_out") == 0);
  CHECK(inputs_of(world) == 32);
  worlds::check_invariants(world);
}

TEST_CASE("nothing but such coins: as with the builtin") {
  auto setup = with({peer("a")});
  setup.coins = {CoinSetup{Sat{600}}, CoinSetup{Sat{700}}};
  World world(std::move(setup));
  CHECK(worlds::error(world.call("multifundchannel", open_all("all", ""))).code == 301);
  worlds::check_invariants(world);
}

TEST_CASE("a preview leaves them out, and says so") {
  World world(with_dust({peer("a")}));
  const auto outcome = world.call("multifundchannel", open_all("all", R"(,"dryrun":true)"));
  CHECK(count(outcome, "left_out") == 30);
  CHECK(count(outcome, "inputs") == 2);
  CHECK(field(outcome, "warnings").find("30 coins of 18000 sat together would cost more than they bring") !=
        std::string::npos);
  CHECK(reserved(world) == 0);
}

// Another program's txprepare makes it as high as the one of the batch's dry run had made it.
TEST_CASE("a coin that was left out is not the batch's any more, not after a crash either") {
  for (const bool txprepare : {false, true}) {
    CAPTURE(txprepare);
    auto setup = with_dust({peer("a", {sim::Fault{sim::Phase::start, sim::Kind::silent}})});
    setup.reply_delay = std::chrono::milliseconds(5);
    if (txprepare) setup.options["multifundchannel-dry-run"] = R"("txprepare")";
    World world(std::move(setup));
    (void)world.start("multifundchannel", open_all("all", ""));
    auto& wallet = world.node().core().wallet;
    auto& dust = wallet.coins().back();
    while (!wallet.is_reserved(dust)) world.run_for(std::chrono::milliseconds(1));
    while (wallet.is_reserved(dust)) world.run_for(std::chrono::milliseconds(1));
    world.kill_plugin();
    wallet.reserve(dust, 72);
    const auto theirs = dust.others_until = dust.reserved_until;
    world.start_plugin();
    world.run_for(std::chrono::minutes(2));
    CHECK(dust.reserved_until == theirs);
    worlds::check_invariants(world);
  }
}

TEST_CASE("`all` that is trimmed may take other coins after that") {
  auto small = peer("a");
  small.features = "0898880a8259a1";  // without large channels
  auto setup = with_dust({small});
  setup.coins[0].amount = Sat{20'000'000};
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open_all("all", ""));
  CHECK(count(outcome, "channel_ids") == 1);
  CHECK(reserved(world) == inputs_of(world));
  worlds::check_invariants(world);
}
