// max_fee and max_feerate in whole commands.
#include "../util/flat.hpp"
#include "broadcast_sample.hpp"
#include "jsonrpc/message.hpp"
#include "worlds.hpp"

using sim::CoinSetup;
using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using worlds::count;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

constexpr auto plain_features = "0898880a0259a1";  // neither anchors nor large channels
constexpr std::uint64_t small = 16'777'215;
constexpr std::uint64_t fixed = 1'000;

std::uint64_t calls(World& world, const char* method) {
  const auto& calls = world.node().core().methods.calls();
  const auto found = calls.find(method);
  return found == calls.end() ? 0 : found->second;
}

bool asked_anybody(World& world) { return calls(world, "fundchannel_start") > 0; }

std::uint64_t sat(const sim::Outcome& outcome, const std::string& name) {
  return std::stoull(worlds::field(outcome, name)) / 1000;
}

/// One coin. `all` for the one, next to nothing for the other, who drops out: then `all` is capped, and what
/// it cannot take is too little for change. So the fee grows by what it does.
sim::Setup growing_fee(std::uint64_t coin, std::vector<Fault> faults) {
  auto a = peer("a");
  auto b = peer("b", std::move(faults));
  a.features = b.features = plain_features;
  auto setup = with({a, b});
  setup.coins = {CoinSetup{bitcoin::Sat{coin}}};
  return setup;
}

std::string all_and_little(const std::string& more) {
  return R"({"destinations":[{"id":"$a@","amount":"all"},{"id":"$b@","amount":)" + std::to_string(fixed) +
         R"(}],"commitment_feerate":"253perkw","details":true,"minchannels":1)" + (more.empty() ? "" : "," + more) +
         "}";
}

/// What is sent after the look at the channels of a transaction with this cap: the method, or the error.
std::string after_the_look(const request::FeeCap& cap) {
  SampleBroadcast sample(cap);
  auto& wire = sample.wire;
  const auto look = jsonrpc::Message::parse(flat(wire->sent.at(1)));
  REQUIRE(look.ok());
  wire->say(jsonrpc::reply_text(look->raw_id(), sample.channels()));
  if (sample.end.error) return sample.end.error->message;
  const auto next = jsonrpc::Message::parse(flat(wire->sent.at(2)));
  REQUIRE(next.ok());
  CHECK_FALSE(sample.end.tx);
  return next->method();
}

}  // namespace

TEST_CASE("above max_fee nothing happens, and the fee is told") {
  World world(with({peer("a"), peer("b")}));
  const auto fee = sat(world.call("multifundchannel", open({"a"}, R"("details":true)")), "fee_msat");

  World capped(with({peer("a"), peer("b")}));
  const auto outcome = capped.call("multifundchannel", open({"a"}, R"("max_fee":)" + std::to_string(fee - 1)));
  const auto& error = worlds::error(outcome);
  CHECK(error.code == -32602);
  CHECK(error.message ==
        "max_fee: the fee would be " + std::to_string(fee) + " sat, more than " + std::to_string(fee - 1) + " sat");
  CHECK(error.data.find(R"("fee_msat":)" + std::to_string(fee * 1000)) != std::string::npos);
  CHECK(error.data.find(R"("max_fee_msat":)" + std::to_string((fee - 1) * 1000)) != std::string::npos);
  CHECK_FALSE(asked_anybody(capped));
  worlds::check_invariants(capped);

  World exact(with({peer("a"), peer("b")}));
  CHECK(count(exact.call("multifundchannel", open({"a"}, R"("max_fee":)" + std::to_string(fee))), "channel_ids") == 1);
  worlds::check_invariants(exact);
}

TEST_CASE("above max_feerate nothing happens") {
  World world(with({peer("a")}));
  const auto above = world.call("multifundchannel", open({"a"}, R"("max_feerate":"7499perkw","details":true)"));
  CHECK(worlds::error(above).code == -32602);
  CHECK(worlds::error(above).message.starts_with("max_feerate: the feerate would be 75"));
  CHECK(worlds::error(above).data.find(R"("cause":"fees")") != std::string::npos);
  CHECK_FALSE(asked_anybody(world));
  CHECK(count(world.call("multifundchannel", open({"a"}, R"("max_feerate":"30000perkb")")), "channel_ids") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("a lower feerate is within the cap") {
  World world(with({peer("a")}));
  const auto outcome =
      world.call("multifundchannel", open({"a"}, R"("feerate":"1000perkw","max_feerate":"1000perkw")"));
  CHECK(count(outcome, "channel_ids") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("the caps hold in later rounds, too") {
  World trial(growing_fee(small, {}));
  const auto fee = sat(trial.call("multifundchannel", all_and_little("")), "fee_msat");
  // In the first round `all` stays 700 sat below its cap.
  const auto coin = small + fixed + fee - 700;
  for (const auto phase : {Phase::start, Phase::complete}) {
    CAPTURE(static_cast<int>(phase));
    const std::vector<Fault> faults{Fault{phase, Kind::refuse}};
    World world(growing_fee(coin, faults));
    const auto grown = sat(world.call("multifundchannel", all_and_little("")), "fee_msat");
    CHECK(grown > fee);
    worlds::check_invariants(world);

    for (const auto& cap : {R"("max_fee":)" + std::to_string(fee), std::string(R"("max_feerate":"7500perkw")")}) {
      CAPTURE(cap);
      World capped(growing_fee(coin, faults));
      const auto outcome = capped.call("multifundchannel", all_and_little(cap));
      CHECK(worlds::error(outcome).code == -32602);
      CHECK(worlds::error(outcome).message.starts_with("max_fee"));
      // Nobody is told a transaction of the second round.
      CHECK(calls(capped, "fundchannel_complete") == (phase == Phase::start ? 0 : 2));
      worlds::check_invariants(capped);
    }
  }
}

TEST_CASE("nothing is signed that is above a cap, whatever the rounds before have found") {
  using bitcoin::Perkw;
  using bitcoin::Sat;
  CHECK(after_the_look({}) == "signpsbt");
  CHECK(after_the_look({Sat{5'910}, Perkw{7'500}}) == "signpsbt");
  CHECK(after_the_look({Sat{5'909}, {}}).starts_with("max_fee: "));
  CHECK(after_the_look({{}, Perkw{7'499}}).starts_with("max_feerate: "));
}
