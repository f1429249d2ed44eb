// feebase, feeppm, htlcmin and htlcmax of a destination: set for exactly its channel, once that is sent.
#include "worlds.hpp"

using namespace std::chrono_literals;
using sim::Broadcast;
using sim::Fault;
using sim::Kind;
using sim::Mishap;
using sim::Phase;
using sim::RpcFault;
using sim::World;
using worlds::peer;
using worlds::with;

namespace {

/// a has a policy, b has none, c has another.
std::string batch(const std::string& more = "") {
  return R"({"destinations":[{"id":"$a@","amount":1000000,"feebase":"5sat","feeppm":250,"htlcmin":1000,)"
         R"("htlcmax":"500000sat"},{"id":"$b@","amount":1000000},{"id":"$c@","amount":1000000,"feeppm":0}])" +
         (more.empty() ? "" : "," + more) + "}";
}

sim::Setup three() { return with({peer("a"), peer("b"), peer("c")}); }

RpcFault fault(Mishap what, const char* method, std::uint64_t count = 1) {
  RpcFault fault;
  fault.what = what;
  fault.method = method;
  fault.count = count;
  fault.delay = 5s;
  return fault;
}

/// "<base> <ppm> <least> <most>" of the peer's newest channel, with - for what lightningd has chosen.
std::string policy_of(World& world, const char* name) {
  REQUIRE(!world.peer(name).channels.empty());
  const auto& channel = world.peer(name).channels.back();
  const auto most = channel.htlc_max ? std::to_string(channel.htlc_max->value) : "-";
  return std::to_string(channel.fee_base) + " " + std::to_string(channel.fee_ppm) + " " +
         std::to_string(channel.htlc_min.value) + " " + most;
}

constexpr auto untouched = "1 10 0 -";

void check_set(World& world) {
  CHECK(policy_of(world, "a") == "5000 250 1000 500000000");
  CHECK(policy_of(world, "b") == untouched);
  CHECK(policy_of(world, "c") == "1 0 0 -");
}

std::size_t calls_of(World& world, const std::string& method) {
  const auto& calls = world.node().core().methods.calls();
  const auto found = calls.find(method);
  return found == calls.end() ? 0 : found->second;
}

/// The member of the entry about this peer in the array `list` of a JSON text.
std::string member(const std::string& text, const char* list, const std::string& id, const char* name) {
  const auto document = json::Document::parse(text, "text");
  REQUIRE(document);
  for (const auto& entry : document->root().find(list)->elements()) {
    const auto value = entry.find(name);
    if (*entry.string("id") == id) return value ? value->dump() : "";
  }
  return "no entry";
}

std::string listed(World& world, const char* name) {
  const auto outcome = world.call("listmultifundchannels", "{}");
  REQUIRE(outcome.ok());
  const auto document = json::Document::parse(*outcome.result, "text");
  REQUIRE(document->root().find("batches")->size() == 1);
  const auto one = document->root().find("batches")->elements()[0];
  return member(one.dump(), "destinations", world.peer_id(name), "policy");
}

std::size_t records(World& world) {
  return worlds::count(world.call("listdatastore", R"({"key":["multifundchannel","batch"]})"), "datastore");
}

}  // namespace

TEST_CASE("a policy is set for its channel alone, with nothing said unasked") {
  World world(three());
  const auto outcome = world.call("multifundchannel", batch());
  REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
  check_set(world);
  CHECK(calls_of(world, "setchannel") == 2);
  CHECK(outcome.result->find("policy") == std::string::npos);
  CHECK(listed(world, "a") == R"({"applied":true})");
  CHECK(listed(world, "b").empty());
  worlds::check_invariants(world);
}

TEST_CASE("details say that a policy is applied, and what lightningd had to say of it") {
  World world(three());
  const auto outcome = world.call("multifundchannel", batch(R"("details":true)"));
  REQUIRE(outcome.ok());
  CHECK(member(*outcome.result, "channel_ids", world.peer_id("a"), "policy") == R"({"applied":true})");
  CHECK(member(*outcome.result, "channel_ids", world.peer_id("b"), "policy").empty());

  World all(with({peer("a")}));
  const auto capped = all.call("multifundchannel",
                               R"({"destinations":[{"id":"$a@","amount":"all","htlcmax":"20btc"}],"details":true})");
  REQUIRE_MESSAGE(capped.ok(), capped.result.error().message);
  CHECK(
      member(*capped.result, "channel_ids", all.peer_id("a"), "policy") ==
      R"({"applied":true,"warnings":["htlcmax_too_high: Set maximum_htlc_out_msat to maximum possible in channel"]})");
}

TEST_CASE("a peer's other channels keep their policy") {
  auto setup = three();
  setup.peers[0].channels.push_back({"CHANNELD_NORMAL"});
  setup.peers[0].channels.push_back({"CHANNELD_AWAITING_LOCKIN"});
  World world(std::move(setup));
  REQUIRE(world.call("multifundchannel", batch()).ok());
  check_set(world);
  for (const auto& channel : world.peer("a").channels) {
    if (channel.others) CHECK(channel.fee_ppm == 10);
  }
  worlds::check_invariants(world);
}

TEST_CASE("a policy that lightningd refuses costs nothing but itself, and is reported") {
  auto setup = three();
  setup.rpc_faults = {fault(Mishap::unknown, "setchannel")};
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", batch(R"("details":true)"));
  REQUIRE(outcome.ok());
  CHECK(worlds::count(outcome, "channel_ids") == 3);
  const auto told = member(*outcome.result, "channel_ids", world.peer_id("a"), "policy");
  CHECK_MESSAGE(told.starts_with(R"({"applied":false,"error":{"code":-32601,)"), told);
  CHECK(listed(world, "a") == told);
  CHECK(member(*outcome.result, "channel_ids", world.peer_id("c"), "policy") == R"({"applied":true})");
  CHECK(records(world) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("an answer that does not come does not hold up the reply, and is asked for again") {
  for (const auto what : {Mishap::stuck, Mishap::reply_lost, Mishap::refused, Mishap::unreadable, Mishap::cut}) {
    CAPTURE(static_cast<int>(what));
    auto setup = three();
    setup.rpc_faults = {fault(what, "setchannel")};
    World world(std::move(setup));
    const auto outcome = world.call("multifundchannel", batch(R"("details":true)"));
    REQUIRE(outcome.ok());
    CHECK(outcome.took < 4s);
    CHECK(records(world) == 1);
    const auto told = member(*outcome.result, "channel_ids", world.peer_id("a"), "policy");
    CHECK_MESSAGE(told.starts_with(R"({"applied":false,"error":{)"), told);
    world.run_for(30s);
    check_set(world);
    CHECK(listed(world, "a") == R"({"applied":true})");
    CHECK(records(world) == 0);
    worlds::check_invariants(world);
  }
}

TEST_CASE("attempts to set a policy end some day") {
  auto setup = three();
  setup.rpc_faults = {fault(Mishap::refused, "setchannel", 1'000)};
  World world(std::move(setup));
  REQUIRE(world.call("multifundchannel", batch()).ok());
  world.run_for(std::chrono::hours(2));
  CHECK(policy_of(world, "a") == untouched);
  CHECK(listed(world, "a").starts_with(R"({"applied":false,"error":{"code":-1,)"));
  CHECK(records(world) == 0);
}

TEST_CASE("after a crash between send and setchannel the next start sets the policy") {
  for (const bool lightningd_too : {false, true}) {
    CAPTURE(lightningd_too);
    auto setup = three();
    setup.rpc_faults = {fault(Mishap::stuck, "setchannel", 2)};
    World world(std::move(setup));
    const auto call = world.start("multifundchannel", batch());
    world.run_for(2s);
    CHECK_FALSE(world.outcome(call).answered);
    REQUIRE(world.node().sending().sent().size() == 1);
    CHECK(policy_of(world, "a") == untouched);
    lightningd_too ? world.kill_lightningd() : world.kill_plugin();
    world.start_plugin();
    world.run_for(30s);
    check_set(world);
    CHECK(records(world) == 0);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a policy is set at any moment of a crash, if there is a channel") {
  std::uint64_t last = 0;
  {
    World world(three());
    (void)world.call("multifundchannel", batch());
    last = world.events();
  }
  for (std::uint64_t event = last / 2; event < last; event += 3) {
    CAPTURE(event);
    auto setup = three();
    setup.kills = {{event, event % 2 == 0 ? sim::End::kill_lightningd : sim::End::kill_plugin, 1s, ""}};
    World world(std::move(setup));
    (void)world.start("multifundchannel", batch());
    world.finish_all();
    world.settle();
    if (!world.peer("a").channels.empty()) check_set(world);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a transaction that is confirmed to be sent later has its policies set then, and not before") {
  auto setup = three();
  setup.broadcasts = {Broadcast::fails, Broadcast::fails};
  World world(std::move(setup));
  CHECK(worlds::error(world.call("multifundchannel", batch())).code == 303);
  CHECK(calls_of(world, "setchannel") == 0);
  world.run_for(60s);
  check_set(world);
  CHECK(listed(world, "a") == R"({"applied":true})");
  worlds::check_invariants(world);
}

TEST_CASE("a peer that drops out has no policy to be set") {
  for (const auto phase : {Phase::start, Phase::complete}) {
    auto setup = three();
    setup.peers[0].faults = {Fault{phase, Kind::refuse}};
    World world(std::move(setup));
    const auto outcome = world.call("multifundchannel", batch(R"("minchannels":1)"));
    REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
    CHECK(calls_of(world, "setchannel") == 1);
    CHECK(policy_of(world, "c") == "1 0 0 -");
    CHECK(listed(world, "a").empty());
    worlds::check_invariants(world);
  }
}
