// Coins that cost more than they bring, `all`, and what the wallet's answer comes to then.
#include "worlds.hpp"

using bitcoin::Sat;
using sim::CoinSetup;
using sim::World;
using worlds::count;
using worlds::field;
using worlds::peer;
using worlds::reserved;
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

/// What the wallet keeps of its coins that are worth something.
std::uint64_t change_of(const sim::Outcome& outcome) {
  REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
  const auto document = json::Document::parse(*outcome.result, "result");
  const auto change = document->root().find("change");
  return change ? *change->u64("amount_msat") / 1000 : 0;
}

/// One coin that is worth it, and some of another size.
sim::Setup beside_dust(std::vector<sim::PeerSetup> peers, std::uint64_t coin, std::size_t count, std::uint64_t dust) {
  auto setup = with(std::move(peers));
  setup.coins = {CoinSetup{Sat{coin}}};
  setup.coins.insert(setup.coins.end(), count, CoinSetup{Sat{dust}});
  return setup;
}

constexpr std::uint64_t emergency = 25'000;

}  // namespace

TEST_CASE("what was left out does not count for the emergency reserve, which stays whole") {
  struct Dust {
    std::size_t count;
    std::uint64_t amount;
  };
  // The second leaves 195 sat to the reserve, of which lightningd would not make change; the third more than it needs.
  for (const auto [number, amount] : {Dust{30, 600}, Dust{41, 605}, Dust{50, 700}}) {
    for (const std::string share : {"all", "50%"}) {
      CAPTURE(number);
      CAPTURE(share);
      World world(beside_dust({peer("a")}, 2'000'000, number, amount));
      const auto preview = world.call("multifundchannel", open_all(share, R"(,"dryrun":true)"));
      const auto outcome = world.call("multifundchannel", open_all(share, R"(,"details":true)"));
      CHECK(count(outcome, "left_out") == number);
      CHECK(inputs_of(world) == 1);
      CHECK((share == "all" ? change_of(outcome) == emergency : change_of(outcome) > emergency));
      CHECK(change_of(preview) == change_of(outcome));
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("nor when a peer drops out, and the others share what there is") {
  for (const auto phase : {sim::Phase::start, sim::Phase::complete}) {
    auto bad = peer("b", {sim::Fault{phase, sim::Kind::refuse}});
    World world(beside_dust({peer("a"), bad}, 2'000'000, 41, 605));
    const auto outcome =
        world.call("multifundchannel", R"({"destinations":[{"id":"$a@","amount":"*1"},{"id":"$b@","amount":"*1"}],)"
                                       R"("feerate":"5000perkw","minchannels":1,"details":true})");
    CHECK(count(outcome, "channel_ids") == 1);
    CHECK(change_of(outcome) == emergency);
    worlds::check_invariants(world);
  }
}

TEST_CASE("coins that would eat up all the others do not keep `all` and shares from opening") {
  for (const bool txprepare : {false, true}) {
    for (const std::string share : {"all", "100%", "*1", "50%"}) {
      CAPTURE(txprepare);
      CAPTURE(share);
      auto setup = beside_dust({peer("a")}, 60'000, 90, 600);
      if (txprepare) setup.options["multifundchannel-dry-run"] = R"("txprepare")";
      World world(std::move(setup));
      const auto preview = world.call("multifundchannel", open_all(share, R"(,"dryrun":true)"));
      const auto outcome = world.call("multifundchannel", open_all(share, R"(,"details":true)"));
      CHECK(count(outcome, "channel_ids") == 1);
      CHECK(count(outcome, "left_out") == 90);
      CHECK(count(preview, "left_out") == 90);
      CHECK(inputs_of(world) == 1);
      CHECK(reserved(world) == 1);
      CHECK((share == "50%" ? change_of(outcome) > emergency : change_of(outcome) == emergency));
      CHECK(change_of(preview) == change_of(outcome));
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("where it is not the fault of such coins, the wallet's error stands, and nothing is reserved") {
  World poor(beside_dust({peer("a")}, 20'000, 60, 600));  // less than the reserve
  CHECK(worlds::error(poor.call("multifundchannel", open_all("all", ""))).code == 313);
  CHECK(reserved(poor) == 0);
  worlds::check_invariants(poor);
  World chosen(beside_dust({peer("a")}, 60'000, 1, 600));
  const auto dust = chosen.node().core().wallet.coins().back().outpoint.str();
  CHECK(worlds::error(chosen.call("multifundchannel", open_all("all", R"(,"utxos":[")" + dust + "\"]"))).code == 301);
  worlds::check_invariants(chosen);
}

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
