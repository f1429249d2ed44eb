// Amounts that are shares of what is left, in whole commands.
#include <map>

#include "worlds.hpp"

using sim::CoinSetup;
using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using worlds::count;
using worlds::peer;
using worlds::with;

namespace {

constexpr auto plain_features = "0898880a0259a1";  // neither anchors nor large channels
constexpr std::uint64_t coin = 100'000'000;
constexpr std::uint64_t emergency = 25'000;
constexpr std::uint64_t small = 16'777'215;

using Amounts = std::vector<std::pair<std::string, std::string>>;  // of each peer, as JSON

std::string batch(const Amounts& amounts, const std::string& more = "") {
  std::string text = R"({"details":true,"destinations":[)";
  for (const auto& [name, amount] : amounts) {
    if (text.back() == '}') text += ',';
    text += R"({"id":"$)" + name + R"(@","amount":)" + amount + "}";
  }
  return text + "]" + (more.empty() ? "" : "," + more) + "}";
}

std::uint64_t msat(const json::Value& object, const std::string& name) { return *object.u64(name) / 1000; }

/// What the transaction of a successful call pays for, in sat.
struct Paid {
  std::map<std::string, std::uint64_t> channels;  // by the peer's name
  std::uint64_t fee = 0;
  std::uint64_t change = 0;

  /// Everything that went into the transaction.
  [[nodiscard]] std::uint64_t inputs() const {
    std::uint64_t sum = fee + change;
    for (const auto& [name, amount] : channels) sum += amount;
    return sum;
  }
};

Paid paid(World& world, const sim::Outcome& outcome, const std::vector<std::string>& names) {
  REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
  const auto result = json::Document::parse(*outcome.result, "result");
  REQUIRE(result.ok());
  Paid paid;
  paid.fee = msat(result->root(), "fee_msat");
  if (const auto change = result->root().find("change")) paid.change = msat(*change, "amount_msat");
  const auto channels = world.call("listpeerchannels", "{}");
  const auto document = json::Document::parse(*channels.result, "channels");
  for (const auto& channel : document->root().find("channels")->elements()) {
    for (const auto& name : names) {
      if (*channel.string("peer_id") == world.peer_id(name)) paid.channels[name] = msat(channel, "total_msat");
    }
  }
  worlds::check_invariants(world);
  return paid;
}

bool asked_anybody(World& world) {
  const auto& calls = world.node().core().methods.calls();
  return calls.find("fundchannel_start") != calls.end();
}

}  // namespace

TEST_CASE("weights share what is left, exactly") {
  World world(with({peer("a"), peer("b"), peer("c"), peer("d")}));
  const auto outcome =
      world.call("multifundchannel", batch({{"a", R"("*1")"}, {"b", "1000000"}, {"c", R"("*2")"}, {"d", R"("*1")"}}));
  CHECK(count(outcome, "channel_ids") == 4);
  const auto got = paid(world, outcome, {"a", "b", "c", "d"});
  const auto left = coin - got.fee - emergency - 1'000'000;
  CHECK(got.inputs() == coin);
  CHECK(got.change == emergency);
  CHECK(got.channels.at("a") == left / 4);
  CHECK(got.channels.at("c") == left * 2 / 4);
  CHECK(got.channels.at("d") == left - left / 4 - left * 2 / 4);
}

TEST_CASE("percentages are of what is left, and the rest is change") {
  World world(with({peer("a"), peer("b"), peer("c")}));
  const auto outcome =
      world.call("multifundchannel", batch({{"a", R"("40%")"}, {"b", "1000000"}, {"c", R"("12.5%")"}}));
  const auto got = paid(world, outcome, {"a", "b", "c"});
  const auto left = coin - got.fee - emergency - 1'000'000;
  CHECK(got.inputs() == coin);
  CHECK(got.channels.at("a") == left * 40 / 100);
  CHECK(got.channels.at("c") == left * 125 / 1000);
  CHECK(got.change == emergency + left - got.channels.at("a") - got.channels.at("c"));
}

TEST_CASE("without an emergency reserve the fee of the change output counts as well") {
  auto a = peer("a");
  auto b = peer("b");
  a.features = b.features = plain_features;
  auto setup = with({a, b});
  setup.coins = {CoinSetup{bitcoin::Sat{3'000'000}}, CoinSetup{bitcoin::Sat{2'000'001}}};
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", batch({{"a", R"("40%")"}, {"b", R"("30%")"}}));
  const auto got = paid(world, outcome, {"a", "b"});
  const auto left = 5'000'001 - got.fee;
  CHECK(got.inputs() == 5'000'001);
  CHECK(got.channels.at("a") == left * 40 / 100);
  CHECK(got.channels.at("b") == left * 30 / 100);
}

TEST_CASE("percentages of 100 leave no change") {
  auto a = peer("a");
  auto b = peer("b");
  a.features = b.features = plain_features;
  auto setup = with({a, b});
  setup.coins = {CoinSetup{bitcoin::Sat{5'000'001}}};
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", batch({{"a", R"("50%")"}, {"b", R"("50%")"}}));
  const auto got = paid(world, outcome, {"a", "b"});
  CHECK(got.inputs() == 5'000'001);
  CHECK(got.change == 0);
  CHECK(got.channels.at("b") - got.channels.at("a") <= 1);
}

TEST_CASE("weights share what the percentages leave over, of the given coins alone") {
  auto setup = with({peer("a"), peer("b"), peer("c")});
  setup.coins = {CoinSetup{bitcoin::Sat{7'000'000}}, CoinSetup{bitcoin::Sat{5'000'000}}};
  World world(std::move(setup));
  const auto utxo = world.node().core().wallet.coins()[0].outpoint.str();
  const auto outcome = world.call("multifundchannel", batch({{"a", R"("*1")"}, {"b", R"("40%")"}, {"c", R"("*1")"}},
                                                            R"("utxos":[")" + utxo + R"("])"));
  const auto got = paid(world, outcome, {"a", "b", "c"});
  CHECK(got.inputs() == 7'000'000);
  CHECK(got.change == 0);  // the emergency reserve is in the other coin
  const auto left = 7'000'000 - got.fee;
  CHECK(got.channels.at("b") == left * 40 / 100);
  CHECK(got.channels.at("a") == (left - got.channels.at("b")) / 2);
}

TEST_CASE("what a peer without large channels cannot take is change") {
  auto a = peer("a");
  a.features = "0898880a8259a1";  // the default without bits 18 and 19
  World world(with({a, peer("b")}));
  const auto outcome = world.call("multifundchannel", batch({{"a", R"("*1")"}, {"b", R"("*1")"}}));
  const auto got = paid(world, outcome, {"a", "b"});
  CHECK(got.inputs() == coin);
  CHECK(got.channels.at("a") == small);
  CHECK(got.channels.at("b") == (coin - got.fee - emergency + 1) / 2);
  CHECK(got.change == coin - got.fee - got.channels.at("a") - got.channels.at("b"));
}

TEST_CASE("when a peer drops out, in any phase, its share is divided again or stays change") {
  for (const auto phase : {Phase::connect, Phase::start, Phase::complete}) {
    CAPTURE(static_cast<int>(phase));
    const Fault fault{phase, Kind::refuse};
    World weights(with({peer("a"), peer("b", {fault}), peer("c")}));
    auto outcome = weights.call("multifundchannel",
                                batch({{"a", R"("*1")"}, {"b", R"("*2")"}, {"c", "5000000"}}, R"("minchannels":1)"));
    auto got = paid(weights, outcome, {"a", "c"});
    CHECK(got.inputs() == coin);
    CHECK(got.channels.at("a") == coin - got.fee - emergency - 5'000'000);

    World percentages(with({peer("a"), peer("b", {fault}), peer("c", {fault})}));
    outcome = percentages.call("multifundchannel",
                               batch({{"a", R"("30%")"}, {"b", R"("70%")"}, {"c", "5000000"}}, R"("minchannels":1)"));
    got = paid(percentages, outcome, {"a"});
    CHECK(got.inputs() == coin);
    CHECK(got.channels.at("a") == (coin - got.fee - emergency) * 30 / 100);
  }
}

TEST_CASE("a capped share takes what it can when another has dropped out") {
  auto a = peer("a");
  a.features = "0898880a8259a1";
  World world(with({a, peer("b", {Fault{Phase::start, Kind::refuse}})}));
  const auto outcome =
      world.call("multifundchannel", batch({{"a", R"("*1")"}, {"b", R"("*1")"}}, R"("minchannels":1)"));
  const auto got = paid(world, outcome, {"a"});
  CHECK(got.channels.at("a") == small);
  CHECK(got.change == coin - small - got.fee);
}

TEST_CASE("shares of many coins, for many peers") {
  auto setup = with({});
  setup.coins.assign(300, CoinSetup{bitcoin::Sat{2'000'000}});
  Amounts amounts;
  std::vector<std::string> names;
  for (int i = 0; i < 255; ++i) {
    names.push_back("p" + std::to_string(i));
    setup.peers.push_back(peer(names.back()));
    amounts.emplace_back(names.back(), i % 2 == 0 ? R"("0.2%")" : R"("0.3%")");
  }
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", batch(amounts));
  CHECK(count(outcome, "channel_ids") == 255);
  const auto got = paid(world, outcome, names);
  CHECK(got.inputs() == 600'000'000);
  // Without large channels nobody is near the cap; the emergency reserve is part of the change.
  const auto left = 600'000'000 - got.fee - emergency;
  CHECK(got.channels.at("p0") == left * 2 / 1000);
  CHECK(got.channels.at("p1") == left * 3 / 1000);
}

TEST_CASE("a share that is too small is refused before any peer is asked, by name") {
  auto setup = with({peer("a"), peer("b")});
  setup.coins = {CoinSetup{bitcoin::Sat{1'000'000}}};
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", batch({{"a", R"("90%")"}, {"b", R"("0.01%")"}}));
  CHECK(worlds::error(outcome).code == -32602);
  CHECK(worlds::error(outcome).message.find("destinations[1].amount: the share 0.01%") != std::string::npos);
  CHECK_FALSE(asked_anybody(world));
  worlds::check_invariants(world);
}

TEST_CASE("shares with nothing left for them are refused before any peer is asked") {
  World world(with({peer("a"), peer("b")}));
  const auto outcome = world.call("multifundchannel", batch({{"a", R"("50%")"}, {"b", "200000000"}}));
  CHECK(worlds::error(outcome).code == -32602);
  CHECK_FALSE(asked_anybody(world));
  worlds::check_invariants(world);
}
