// dryrun=true: tells what would happen, and leaves nothing behind.
#include <algorithm>

#include "worlds.hpp"

using sim::CoinSetup;
using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using worlds::field;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

using Texts = std::vector<std::string>;

/// Destinations with these amounts, as JSON, to the peers a, b, c...
std::string batch(const Texts& amounts, const std::string& more) {
  std::string text = R"({"destinations":[)";
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    if (i > 0) text += ',';
    const std::string id{'$', static_cast<char>('a' + i), '@'};
    text += R"({"id":")" + id + R"(","amount":)" + amounts[i] + "}";
  }
  return text + "]," + more + "}";
}

/// The members of the preview's destinations that have this name, as JSON; "" where there is none.
Texts of_destinations(const sim::Outcome& outcome, const std::string& name) {
  REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
  const auto document = json::Document::parse(*outcome.result, "result");
  Texts texts;
  for (const auto& destination : document->root().find("destinations")->elements()) {
    const auto value = destination.find(name);
    texts.push_back(value ? value->dump() : "");
  }
  return texts;
}

bool warns(const sim::Outcome& outcome, const std::string& text) {
  return field(outcome, "warnings").find(text) != std::string::npos;
}

std::uint64_t calls(World& world, const char* method) {
  const auto& calls = world.node().core().methods.calls();
  const auto found = calls.find(method);
  return found == calls.end() ? 0 : found->second;
}

/// Nothing is reserved, written, connected or opened, and no batch is known.
void check_nothing_left(World& world, const Texts& connected = {}) {
  auto& core = world.node().core();
  for (const auto& coin : core.wallet.coins()) CHECK_FALSE(core.wallet.is_reserved(coin));
  for (const auto* method : {"datastore", "reserveinputs", "fundchannel_start", "signpsbt"}) {
    CAPTURE(method);
    CHECK(calls(world, method) == 0);
  }
  Texts left;
  for (const auto& one : core.peers.all()) {
    if (one.connected) left.push_back(one.setup.name);
  }
  CHECK(left == connected);
  CHECK(field(world.call("listmultifundchannels", "{}"), "batches") == "[]");
  worlds::check_invariants(world);
}

}  // namespace

TEST_CASE("a preview leaves nothing behind, and who was connected stays so") {
  auto b = peer("b");
  b.connected = true;
  World world(with({peer("a"), b, peer("c")}));
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}, R"("dryrun":true)"));
  CHECK(field(outcome, "dryrun") == "true");
  CHECK(of_destinations(outcome, "reachable") == Texts(3, "true"));
  CHECK(of_destinations(outcome, "protocol") == Texts(3, "\"v1\""));
  CHECK(of_destinations(outcome, "features") == Texts(3, R"("0898880a8a59a1")"));
  CHECK(of_destinations(outcome, "fits") == Texts(3, "true"));
  CHECK(field(outcome, "emergency_reserve_msat") == "25000000");
  CHECK(field(outcome, "warnings") == "[]");
  CHECK(outcome.replies == 1);
  check_nothing_left(world, {"b"});
}

TEST_CASE("the real call with the same parameters does what the preview has told") {
  const std::vector<Texts> amounts{
      {"1000000", "2000000"}, {"1000000", R"("all")"}, {R"("40%")", R"("12.5%")"}, {R"("*1")", R"("*2")", "3000000"}};
  for (const auto& some : amounts) {
    for (const bool small : {false, true}) {
      CAPTURE(some[0]);
      CAPTURE(small);
      auto setup = with({peer("a"), peer("b"), peer("c")});
      if (small) setup.peers[1].features = "0898880a0259a1";  // neither anchors nor large channels
      setup.coins = {CoinSetup{bitcoin::Sat{40'000'000}}, CoinSetup{bitcoin::Sat{50'000'000}}};
      World world(std::move(setup));
      const auto utxos = R"("utxos":[")" + world.node().core().wallet.coins()[0].outpoint.str() + R"(",")" +
                         world.node().core().wallet.coins()[1].outpoint.str() + R"("],"details":true)";
      const auto preview = world.call("multifundchannel", batch(some, utxos + R"(,"dryrun":true)"));
      const auto real = world.call("multifundchannel", batch(some, utxos));
      CHECK(field(preview, "fee_msat") == field(real, "fee_msat"));
      CHECK(field(preview, "weight") == field(real, "weight"));
      CHECK(field(preview, "feerate") == field(real, "feerate"));
      const auto change = json::Document::parse(field(preview, "change") + " ", "change");
      const auto real_change = json::Document::parse(field(real, "change") + " ", "change");
      CHECK(change.ok() == real_change.ok());
      if (change) CHECK(*change->root().u64("amount_msat") == *real_change->root().u64("amount_msat"));
      const auto channels = field(world.call("listpeerchannels", "{}"), "channels");
      for (const auto& amount : of_destinations(preview, "amount_msat")) {
        CHECK(channels.find("\"total_msat\":" + amount) != std::string::npos);
      }
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("a preview comes by position, too") {
  World world(with({peer("a")}));
  const auto outcome = world.call(
      "multifundchannel", R"([[{"id":"$a@","amount":1000000}],null,null,null,null,null,null,null,null,null,true])");
  CHECK(field(outcome, "dryrun") == "true");
  check_nothing_left(world);
}

TEST_CASE("peers that cannot be reached do not fail a preview; they are shown") {
  auto setup = with(
      {peer("a"), peer("b", {Fault{Phase::connect, Kind::refuse}}), peer("c", {Fault{Phase::connect, Kind::silent}})});
  World world(std::move(setup));
  const auto outcome =
      world.call("multifundchannel", open({"a", "b", "c"}, R"("dryrun":true,"minchannels":2,"peer_timeout":10)"));
  CHECK(of_destinations(outcome, "reachable") == Texts{"true", "false", "false"});
  CHECK(of_destinations(outcome, "cause") == Texts{"", "\"unreachable\"", "\"timeout\""});
  CHECK(of_destinations(outcome, "error")[1].find("Connection refused") != std::string::npos);
  CHECK(of_destinations(outcome, "features")[1] == "");
  CHECK(of_destinations(outcome, "amount_msat") == Texts(3, "1000000000"));
  CHECK(warns(outcome, "2 of 3 peers cannot be reached now"));
  CHECK(warns(outcome, "minchannels: 2 channels are asked for, and 1 peers can be reached"));
  CHECK(outcome.took < std::chrono::seconds(12));
  check_nothing_left(world);
}

TEST_CASE("a peer that connects after the deadline is hung up on all the same") {
  auto late = peer("a");
  late.delay = std::chrono::milliseconds(600);
  World world(with({late, peer("b")}));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("dryrun":true,"peer_timeout":1)"));
  CHECK(of_destinations(outcome, "reachable") == Texts{"false", "true"});
  world.run_for(std::chrono::seconds(10));
  check_nothing_left(world);
}

TEST_CASE("who uses a connection keeps it") {
  auto slow = peer("b");
  slow.delay = std::chrono::milliseconds(200);
  auto setup = with({peer("a"), slow, peer("c")});
  setup.coins = {{}, {}};
  setup.acts = {{std::chrono::milliseconds(400), sim::Deed::open, 0}};
  World world(std::move(setup));
  const auto preview = world.start("multifundchannel", open({"a", "b", "c"}, R"("dryrun":true)"));
  world.run_for(std::chrono::milliseconds(300));
  // A batch that comes in between has connected to its peer, and not yet asked it for anything.
  const auto real = world.start("multifundchannel", open({"c", "b"}));
  world.finish_all();
  CHECK(world.outcome(preview).ok());
  CHECK(world.outcome(real).ok());
  CHECK(world.peer("a").opening.has_value());
  CHECK(calls(world, "connect") == 5);
  worlds::check_invariants(world);
}

TEST_CASE("a preview warns of what is unwise") {
  auto setup = with({peer("a"), peer("b")});
  setup.synced = false;
  setup.feerate_floor = 1'200;
  World world(std::move(setup));
  const auto outcome =
      world.call("multifundchannel",
                 R"({"destinations":[{"id":"$a@","amount":1000000,"announce":false},{"id":"$b@","amount":1000000}],)"
                 R"("feerate":"1000perkw","max_fee":1,"dryrun":true})");
  CHECK(warns(outcome, "Still loading latest blocks from bitcoind."));
  CHECK(warns(outcome, "feerate: the fee would be "));
  CHECK(warns(outcome, "that the mempool's floor of 1200 perkw comes to (ask for 1200perkw or more)"));
  CHECK(warns(outcome, "announced and private channels in one transaction"));
  CHECK(warns(outcome, "max_fee: the fee would be "));
  check_nothing_left(world);

  const auto low = world.call("multifundchannel", open({"a"}, R"("feerate":"1500perkw","dryrun":true)"));
  CHECK(warns(low, "feerate: 1500 perkw is below half of lightningd's lowest estimate"));
}

TEST_CASE("a preview tells what does not fit") {
  auto small = peer("a");
  small.features = "0898880a8259a1";  // the default without bits 18 and 19
  World world(with({small, peer("b"), peer("c"), peer("d")}));
  const auto outcome =
      world.call("multifundchannel",
                 R"({"destinations":[{"id":"$a@","amount":16777216},{"id":"$b@","amount":9999},)"
                 R"({"id":"$c@","amount":"0.1%","push_msat":900000000},{"id":"$d@","amount":10000}],"dryrun":true})");
  CHECK(of_destinations(outcome, "fits") == Texts{"false", "false", "false", "true"});
  const auto why = of_destinations(outcome, "misfit");
  CHECK(why[0] == R"("more than 16777215 sat needs large channels on both sides")");
  CHECK(why[1] == R"("less than our min-capacity-sat, 10000 sat")");
  CHECK(why[2].starts_with(R"("push_msat is more than the amount of )"));
  CHECK(of_destinations(outcome, "share") == Texts{"", "", R"("0.1%")", ""});
  for (const auto* where : {"destinations[0]: ", "destinations[1]: ", "destinations[2]: "})
    CHECK(warns(outcome, where));
  check_nothing_left(world);
}

TEST_CASE("a preview knows a v2 channel") {
  constexpr auto dual_fund = "0898881a8a59a1";  // the default with bit 28
  auto both = peer("a");
  both.features = dual_fund;
  auto setup = with({both, peer("b")});
  setup.features = dual_fund;
  setup.spenderp = false;
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, R"("dryrun":true)"));
  CHECK(of_destinations(outcome, "protocol") == Texts{"\"v2\"", "\"v1\""});
  CHECK(warns(outcome, "destinations[0]: it would be a v2 channel"));
  check_nothing_left(world);
}

TEST_CASE("what would fail the batch fails its preview, and it hangs up before it says so") {
  auto setup = with({peer("a"), peer("b")});
  setup.coins = {CoinSetup{bitcoin::Sat{1'500'000}}};
  World world(std::move(setup));
  CHECK(worlds::error(world.call("multifundchannel", open({"a", "b"}, R"("dryrun":true)"))).code == 301);
  check_nothing_left(world);
  CHECK(worlds::error(world.call("multifundchannel", batch({R"("90%")", R"("0.001%")"}, R"("dryrun":true)"))).code ==
        -32602);
  check_nothing_left(world);
  CHECK(worlds::error(world.call("multifundchannel", open({"a"}, R"("feerate":"quick","dryrun":true)"))).code ==
        -32602);
  check_nothing_left(world);
  // One coin of 1,010,000 sat pays for the channel, but not for the emergency reserve beside it.
  auto poor = with({peer("a")});
  poor.coins = {CoinSetup{bitcoin::Sat{1'010'000}}};
  World reserve(std::move(poor));
  CHECK(worlds::error(reserve.call("multifundchannel", open({"a"}, R"("dryrun":true)"))).code == 313);
  check_nothing_left(reserve);
}

TEST_CASE("a shutdown at any moment ends a preview, and nothing is left") {
  for (int moment = 0; moment < 200; moment += 10) {
    CAPTURE(moment);
    auto far = peer("b");
    far.delay = std::chrono::milliseconds(30);
    World world(with({peer("a"), far}));
    const auto call = world.start("multifundchannel", open({"a", "b"}, R"("dryrun":true)"));
    world.run_for(std::chrono::milliseconds(moment));
    world.announce_shutdown();
    world.finish_all();
    CHECK(world.outcome(call).replies == 1);
    world.run_for(std::chrono::seconds(1));
    CHECK(world.ended());
    for (const auto& one : world.node().core().peers.all()) CHECK_FALSE(one.connected);
    worlds::check_invariants(world);
  }
}
