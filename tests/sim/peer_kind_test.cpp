#include "sim/peer_kind.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "sim/model.hpp"
#include "sim/peer_side.hpp"
#include "sim/scenario.hpp"

namespace {

using namespace model;
using sim::PeerKind;

constexpr const char* too_many = ": Number of pending channels exceed maximum";

sim::PeerSetup peer_of(PeerKind kind, std::vector<sim::Fault> faults = {}) {
  auto setup = peer("a", std::move(faults));
  setup.kind = kind;
  return setup;
}

/// The reply to fundchannel_complete.
std::string complete(Model& model, const std::string& name) {
  return model.call("fundchannel_complete", complete_params(model, name, start_one(model, name)));
}

std::string start(Model& model, const std::string& name) {
  return model.call("fundchannel_start", util::str(R"({"id":")", model.id(name), R"(","amount":1000000})"));
}

std::size_t pending(Model& model, const std::string& name) {
  return sim::pending_at(model.core(), *model.core().peers.by_name(name));
}

/// Nothing of it is left on our side.
void cancel(Model& model, const std::string& name) {
  REQUIRE(model.call("fundchannel_cancel", model.of(name)).find("cancelled") != std::string::npos);
}

}  // namespace

TEST_CASE("LND shows itself by two features, and keeps those that its setup has") {
  auto lnd = peer_of(PeerKind::lnd);
  auto cln = peer("b");
  Model model(with_peers({lnd, cln}));
  const auto& peers = model.core().peers.all();
  const auto features = lightningd::Features::from_hex(peers[0].setup.features).value();
  CHECK(features.has(31));
  CHECK(features.has(2023));
  CHECK(peers[0].offers(lightningd::feature::large_channels));
  CHECK(peers[1].setup.features == sim::PeerSetup::default_features);
}

TEST_CASE("an LND peer that was told a transaction keeps the channel for 2,016 blocks, and takes no other") {
  Model model(with_peers({peer_of(PeerKind::lnd)}));
  CHECK(field(complete(model, "a"), "commitments_secured") == "true");
  cancel(model, "a");
  CHECK(pending(model, "a") == 1);
  const auto refused = start(model, "a");
  CHECK(refused.starts_with("error -1: They sent ERROR channel "));
  CHECK(refused.ends_with(too_many));
  model.lightningd.node().mine(2'015);
  CHECK(start(model, "a").ends_with(too_many));
  model.lightningd.node().mine(1);
  CHECK(pending(model, "a") == 0);
  CHECK(start(model, "a").starts_with("{"));
}

TEST_CASE("it is still kept when our node was killed, and when the peer was away") {
  Model model(with_peers({peer_of(PeerKind::lnd)}));
  CHECK(field(complete(model, "a"), "commitments_secured") == "true");
  cancel(model, "a");
  model.lightningd.node().kill();
  model.lightningd.node().start();
  CHECK(model.call("connect", model.of("a")).starts_with("{"));
  CHECK(start(model, "a").ends_with(too_many));
}

TEST_CASE("a channel whose transaction is in a block is in the way no more") {
  Model model(with_peers({peer_of(PeerKind::lnd)}));
  const auto psbt = start_one(model, "a");
  CHECK(model.call("fundchannel_complete", complete_params(model, "a", psbt)).starts_with("{"));
  const auto signed_psbt = field(model.call("signpsbt", util::str(R"({"psbt":")", psbt, R"("})")), "signed_psbt");
  const auto sendable = psbt::Psbt::from_base64(signed_psbt)->base64(2);
  CHECK(model.call("sendpsbt", util::str(R"({"psbt":")", sendable, R"("})")).starts_with("{"));
  CHECK(pending(model, "a") == 1);
  CHECK(start(model, "a").ends_with(too_many));
  model.lightningd.node().mine(1);
  CHECK(pending(model, "a") == 0);
  CHECK(start(model, "a").starts_with("{"));
}

TEST_CASE("an opening that ends before the transaction is told leaves nothing with any peer") {
  for (const auto kind : {PeerKind::cln, PeerKind::lnd, PeerKind::eclair, PeerKind::ldk}) {
    Model model(with_peers({peer_of(kind)}));
    CHECK(start(model, "a").starts_with("{"));
    cancel(model, "a");
    CHECK(pending(model, "a") == 0);
    CHECK(start(model, "a").starts_with("{"));
  }
}

TEST_CASE("peers of other kinds forget what is cancelled") {
  for (const auto kind : {PeerKind::cln, PeerKind::eclair, PeerKind::ldk}) {
    Model model(with_peers({peer_of(kind)}));
    CHECK(field(complete(model, "a"), "commitments_secured") == "true");
    CHECK(pending(model, "a") == 1);
    cancel(model, "a");
    CHECK(pending(model, "a") == 0);
  }
}

TEST_CASE("eclair takes three channels that wait for their transactions") {
  auto eclair = peer_of(PeerKind::eclair);
  eclair.channels = std::vector<sim::ChannelSetup>(2, {"CHANNELD_AWAITING_LOCKIN", true, true});
  Model model(with_peers({eclair}));
  CHECK(field(complete(model, "a"), "commitments_secured") == "true");
  CHECK(start(model, "a").ends_with(": rate limit reached"));
}

TEST_CASE("a peer with LND's habits that has such a channel from before takes no other") {
  auto lnd = peer_of(PeerKind::lnd);
  lnd.channels = {{"CHANNELD_AWAITING_LOCKIN", false, false}};
  Model model(with_peers({lnd}));
  CHECK(start(model, "a").ends_with(too_many));
}

// The worst of what may be: funding_signed was on its way, or was never written.
TEST_CASE("an LND peer that leaves or goes silent over the transaction has the channel, one that refuses has not") {
  for (const auto kind : {sim::Kind::disconnect, sim::Kind::silent, sim::Kind::refuse}) {
    Model model(with_peers({peer_of(PeerKind::lnd, {{sim::Phase::complete, kind}})}));
    CHECK(!complete(model, "a").starts_with("{"));
    CHECK(pending(model, "a") == (kind == sim::Kind::refuse ? 0 : 1));
  }
}

TEST_CASE("an opening that waits too long for its transaction is ended by the peer") {
  struct Case {
    PeerKind kind;
    std::chrono::minutes lives, is_gone;
  };
  for (const auto& [kind, lives, is_gone] : {Case{PeerKind::lnd, std::chrono::minutes(9), std::chrono::minutes(11)},
                                             Case{PeerKind::ldk, std::chrono::minutes(59), std::chrono::minutes(61)}}) {
    Model model(with_peers({peer_of(kind)}));
    const auto psbt = start_one(model, "a");
    model.time.run_for(lives);
    CHECK(model.core().peers.by_name("a")->opening.has_value());
    model.time.run_for(is_gone - lives);
    CHECK(model.call("fundchannel_complete", complete_params(model, "a", psbt)) ==
          "error -1: No channel funding in progress.");
    CHECK(pending(model, "a") == 0);
  }
  Model patient(with_peers({peer_of(PeerKind::cln)}));
  const auto psbt = start_one(patient, "a");
  patient.time.run_for(std::chrono::hours(24));
  CHECK(patient.call("fundchannel_complete", complete_params(patient, "a", psbt)).starts_with("{"));
}

TEST_CASE("ping takes one round trip, and tells the length of the pong") {
  auto far = peer("a");
  far.delay = spark::Duration(100);
  Model model(with_peers({far}));
  auto answer = std::make_shared<std::string>("never");
  model.start("ping", util::str("[\"", model.id("a"), "\",0,0]"), answer);
  model.time.run_for(spark::Duration(199));
  CHECK(*answer == "never");
  model.time.run_for(spark::Duration(1));
  CHECK(*answer == R"({"totlen":4})");
  CHECK(model.call("ping", model.of("a")) == R"({"totlen":132})");
  CHECK(model.call("ping", util::str("[\"", model.id("a"), "\",0,65532]")) == R"({"totlen":0})");
  CHECK(model.call("ping", util::str("[\"", model.id("a"), "\",65530]")) ==
        "error -32602: 65530 would result in oversize ping");
}

TEST_CASE("a ping that cannot be sent fails, one that gets no pong is never answered") {
  auto away = peer("away");
  away.connected = false;
  auto known = away;
  known.name = "known";
  known.channels = {{"CHANNELD_NORMAL"}};
  known.faults = {{sim::Phase::connect, sim::Kind::refuse}};
  Model model(with_peers({away, known, peer("silent"), peer("leaving")}));
  CHECK(model.call("ping", model.of("away")) == "error -1: Peer not connected");
  CHECK(model.call("ping", model.of("known")) == "error -1: Ping already pending");

  model.core().peers.by_name("silent")->frozen = true;
  CHECK(model.call("ping", model.of("silent")) == "never");
  CHECK(model.call("ping", model.of("silent")) == "error -1: Ping already pending");

  model.core().peers.by_name("leaving")->setup.delay = std::chrono::seconds(10);
  auto answer = std::make_shared<std::string>("never");
  model.start("ping", model.of("leaving"), answer);
  CHECK(model.call("disconnect", model.of("leaving")) == "{}");
  CHECK(model.call("connect", model.of("leaving")).starts_with("{"));
  model.time.run_for(std::chrono::minutes(1));
  CHECK(*answer == "never");
  CHECK(model.call("ping", model.of("leaving")).starts_with("{"));
}

TEST_CASE("before v25.09 a pong answers the oldest ping") {
  auto setup = with_peers({peer("a"), peer("silent")});
  setup.version = "v25.05";
  Model model(setup);
  model.core().peers.by_name("silent")->frozen = true;
  auto answer = std::make_shared<std::string>("never");
  model.start("ping", model.of("silent"), answer);
  CHECK(model.call("ping", model.of("a")) == "never");
  CHECK(*answer == R"({"totlen":132})");
}

TEST_CASE("a peer that has gone silent answers nothing until it is connected anew") {
  Model model(with_peers({peer("a", {{sim::Phase::started, sim::Kind::silent, true, spark::Duration(50)}})}));
  const auto psbt = start_one(model, "a");
  model.time.run_for(spark::Duration(100));
  CHECK(model.call("ping", model.of("a")) == "never");
  CHECK(model.call("fundchannel_complete", complete_params(model, "a", psbt)) == "never");
  CHECK(model.call("disconnect", util::str("[\"", model.id("a"), "\",true]")) == "{}");
  CHECK(model.call("connect", model.of("a")).starts_with("{"));
  CHECK(start(model, "a").starts_with("{"));
}

TEST_CASE("a scenario names the kind of a peer") {
  const auto setup = sim::read_scenario(
      R"({"peers":[{"name":"a","kind":"lnd"},{"name":"b","kind":"eclair"},{"name":"c","kind":"ldk"},{"name":"d"}]})");
  REQUIRE(setup.ok());
  CHECK(setup->peers[0].kind == PeerKind::lnd);
  CHECK(setup->peers[1].kind == PeerKind::eclair);
  CHECK(setup->peers[2].kind == PeerKind::ldk);
  CHECK(setup->peers[3].kind == PeerKind::cln);
  CHECK(!sim::read_scenario(R"({"peers":[{"name":"a","kind":"btcd"}]})").ok());
}
