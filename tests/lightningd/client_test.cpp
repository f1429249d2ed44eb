#include "lightningd/client.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "../util/flat.hpp"
#include "client_fixture.hpp"
#include "lightningd/features.hpp"

using namespace test;

namespace {

Call<NodeInfo> getinfo() {
  return Call<NodeInfo>([](const Client& client, auto then) { client.getinfo(std::move(then)); });
}

/// Writes down what it sees.
class Notes final : public CallObserver {
 public:
  std::size_t sent(const char* method, const NodeId* peer) override {
    seen.push_back(std::string(method) + " " + (peer != nullptr ? peer->hex() : "for nobody"));
    return seen.size();
  }
  void answered(std::size_t call, const util::Error* error) override {
    seen.push_back(std::to_string(call) + " " + (error != nullptr ? std::to_string(error->code) : "ok"));
  }
  std::vector<std::string> seen;
};

}  // namespace

TEST_CASE("an observer sees every call go out and come back") {
  Fixture fixture;
  const auto notes = std::make_shared<Notes>();
  const Client client(fixture.caller, "", notes);
  std::vector<bool> outcomes;
  client.getinfo([&outcomes](const util::Result<NodeInfo>& info) { outcomes.push_back(info.ok()); });
  client.disconnect(node, true, [&outcomes](const util::Result<void>& done) { outcomes.push_back(done.ok()); });
  client.listpeerchannels(std::nullopt, [](const util::Result<std::vector<PeerChannel>>&) {});
  CHECK(notes->seen ==
        std::vector<std::string>{"getinfo for nobody", "disconnect " + node_hex, "listpeerchannels for nobody"});
  notes->seen.clear();
  fixture.wire->say(R"({"jsonrpc":"2.0","id":"multifundchannel:disconnect#2","error":{"code":-1,"message":"no"}})");
  fixture.wire->say(R"({"jsonrpc":"2.0","id":"multifundchannel:getinfo#1","result":{"version":"v","blockheight":1}})");
  CHECK(notes->seen == std::vector<std::string>{"2 -1", "1 ok"});
  CHECK(outcomes == std::vector<bool>{false, true});
}

TEST_CASE("help, for one command") {
  const auto help = [] {
    return Call<std::string>(
        [](const Client& client, auto then) { client.usage("fundchannel_complete", std::move(then)); });
  };
  auto call = help();
  CHECK(call.request == R"(help {"command":"fundchannel_complete"})");
  CHECK(call.value(R"({"help":[{"command":"fundchannel_complete id psbt [withhold]"}],"format-hint":"simple"})") ==
        "fundchannel_complete id psbt [withhold]");
  auto none = help();
  CHECK(!none.result(R"({"help":[]})").ok());
  check_required(help, "help", R"({"help":[{"command":"getinfo"}]})", "result.", {"help"});
}

TEST_CASE("getinfo") {
  const std::string reply = R"({"version":"v26.06","blockheight":870000})";
  auto call = getinfo();
  CHECK(call.request == "getinfo {}");
  const auto& info = call.value(reply);
  CHECK(info.version == "v26.06");
  CHECK(info.blockheight == 870000);
  CHECK(info.sync_warning.empty());
  check_required(getinfo, "getinfo", reply, "result.", {"version", "blockheight"});
}

TEST_CASE("feerates") {
  const auto feerates = [] {
    return Call<FeerateLimits>([](const Client& client, auto then) { client.feerates(std::move(then)); });
  };
  auto call = feerates();
  CHECK(call.request == R"(feerates {"style":"perkw"})");
  const auto& limits = call.value(R"({"perkw":{"floor":253,"min_acceptable":1875}})");
  CHECK(limits.floor == Perkw{253});
  CHECK(limits.min_acceptable == Perkw{1875});
  check_required(feerates, "feerates", R"({"perkw":{"floor":253,"min_acceptable":1875}})", "result.perkw.",
                 {"floor", "min_acceptable"});
}

TEST_CASE("the limits in lightningd's configuration, as far as its version has them") {
  const auto limits = [] {
    return Call<NodeLimits>([](const Client& client, auto then) { client.limits(std::move(then)); });
  };
  auto call = limits();
  CHECK(call.request == "listconfigs {}");
  const auto& known = call.value(
      R"({"configs":{"min-emergency-msat":{"value_msat":25000000},"min-capacity-sat":{"value_int":10000}}})");
  CHECK(known.emergency == Sat{25'000});
  CHECK(known.min_capacity == Sat{10'000});
  auto old = limits();
  CHECK_FALSE(old.value(R"({"configs":{}})").emergency);
  for (const std::string wrong :
       {R"({})", R"({"configs":{"min-emergency-msat":{}}})", R"({"configs":{"min-emergency-msat":{"value_msat":"x"}}})",
        R"({"configs":{"min-capacity-sat":{"value_int":-1}}})"}) {
    auto bad = limits();
    CHECK(bad.result(wrong).error().code == unreadable_reply);
  }
}

TEST_CASE("of several wrong members the first is told") {
  auto call = getinfo();
  CHECK(call.result("{}").error().message == "unexpected reply to getinfo: result.version: missing");
}

TEST_CASE("getinfo tells of an unsynced node") {
  for (const std::string name : {"warning_bitcoind_sync", "warning_lightningd_sync"}) {
    auto call = getinfo();
    CHECK(call.value(R"({"version":"v","blockheight":1,")" + name + R"(":"still syncing"})").sync_warning ==
          "still syncing");
  }
}

TEST_CASE("connect") {
  for (const std::string address : {"", "127.0.0.1:9735", "[::1]:9735"}) {
    Call<Connected> call(
        [&address](const Client& client, auto then) { client.connect(node, address, std::move(then)); });
    CHECK(call.request == R"(connect {"id":")" + node_hex + (address.empty() ? "" : "@") + address + "\"}");
    CHECK(call.value(R"({"id":"x","features":"10000000"})").features.offers(feature::dual_fund));
  }
  const auto make = [] {
    return Call<Connected>([](const Client& client, auto then) { client.connect(node, "", std::move(then)); });
  };
  check_required(make, "connect", R"({"features":"02"})", "result.", {"features"});
  auto call = make();
  CHECK(call.result(R"({"features":"0"})").error().message ==
        R"(unexpected reply to connect: result.features: expected an id in hex, got "0")");
}

TEST_CASE("parsefeerate goes by position") {
  const auto make = [] {
    return Call<Perkw>([](const Client& client, auto then) { client.parsefeerate("urgent", std::move(then)); });
  };
  auto call = make();
  CHECK(call.request == R"(parsefeerate ["urgent"])");
  CHECK(call.value(R"({"perkw":253})") == Perkw{253});
  check_required(make, "parsefeerate", R"({"perkw":253})", "result.", {"perkw"});
}

TEST_CASE("fundchannel_cancel, disconnect and close: any reply will do") {
  const auto id = R"({"id":")" + node_hex + "\"";
  Call<void> cancel([](const Client& client, auto then) { client.fundchannel_cancel(node, std::move(then)); });
  CHECK(cancel.request == "fundchannel_cancel " + id + "}");
  CHECK(cancel.result(R"({"cancelled":"Channel open canceled"})").ok());

  Call<void> disconnect([](const Client& client, auto then) { client.disconnect(node, true, std::move(then)); });
  CHECK(disconnect.request == "disconnect " + id + R"(,"force":true})");
  CHECK(disconnect.result("{}").ok());

  Call<void> close(
      [](const Client& client, auto then) { client.close(*ChannelId::from_hex(channel_hex), 1, std::move(then)); });
  CHECK(close.request == R"(close {"id":")" + channel_hex + R"(","unilateraltimeout":1})");
  CHECK(close.result("[]").ok());
}

TEST_CASE("lightningd's own error passes as it is") {
  auto call = getinfo();
  const auto& reply = call.replied(R"("error":{"code":301,"message":"Could not afford","data":{"a":1}})");
  REQUIRE(!reply.ok());
  CHECK(reply.error().code == 301);
  CHECK(reply.error().message == "Could not afford");
  CHECK(reply.error().data == "{\"a\":1}");
}

TEST_CASE("a result of another kind is an error, not a crash") {
  for (const std::string result : {"null", "[]", "5", "\"text\"", "{}"}) {
    auto info = getinfo();
    CHECK(!info.result(result).ok());
  }
}

TEST_CASE("all calls of a client carry its command's id") {
  Fixture f;
  const Client client(f.caller, "\"cli:multifundchannel#5\"");
  client.getinfo([](util::Result<NodeInfo>) {});
  client.listfunds([](util::Result<std::vector<WalletOutput>>) {});
  CHECK(jsonrpc::Message::parse(flat(f.wire->sent.at(0)))->raw_id() ==
        R"("cli:multifundchannel#5/multifundchannel:getinfo#1")");
  CHECK(jsonrpc::Message::parse(flat(f.wire->sent.at(1)))->raw_id() ==
        R"("cli:multifundchannel#5/multifundchannel:listfunds#2")");
}

TEST_CASE("no error that a call hands on repeats a PSBT, whether lightningd's words can be read or not") {
  const std::string psbt = "cHNidP8BAgQ" + std::string(300, 'Q');
  for (const auto& error : {R"({"code":-1,"message":"PSBT not finalizeable )" + psbt + "\"}", '"' + psbt + '"'}) {
    CAPTURE(error);
    auto call = getinfo();
    const auto& reply = call.replied("\"error\":" + error);
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().message.find(std::string(100, 'Q')) == std::string::npos);
  }
}
