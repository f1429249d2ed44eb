#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client_fixture.hpp"
#include "lightningd/client.hpp"

using namespace test;

namespace {

Call<Started> fundchannel_start(const StartParams& params) {
  return Call<Started>(
      [&params](const Client& client, auto then) { client.fundchannel_start(params, std::move(then)); });
}
Call<std::vector<PeerChannel>> listpeerchannels(std::optional<NodeId> peer = std::nullopt) {
  return Call<std::vector<PeerChannel>>(
      [&peer](const Client& client, auto then) { client.listpeerchannels(peer, std::move(then)); });
}

}  // namespace

TEST_CASE("fundchannel_start with the least and with everything") {
  StartParams params;
  params.id = node;
  params.amount = Sat{100000};
  CHECK(fundchannel_start(params).request ==
        R"(fundchannel_start {"id":")" + node_hex + R"(","amount":"100000sat","announce":true})");

  params.feerate = "253perkw";
  params.announce = false;
  params.push = Msat{1500};
  params.close_to = "bcrt1qxyz";
  params.mindepth = 0;
  params.reserve = Sat{0};
  params.has_channel_type = true;
  params.channel_type = {12, 22};
  CHECK(fundchannel_start(params).request ==
        R"(fundchannel_start {"id":")" + node_hex +
            R"(","amount":"100000sat","feerate":"253perkw","announce":false,"close_to":"bcrt1qxyz",)"
            R"("push_msat":"1500msat","mindepth":0,"reserve":"0sat","channel_type":[12,22]})");

  params.channel_type.clear();
  CHECK(fundchannel_start(params).request.ends_with(R"("channel_type":[]})"));
}

TEST_CASE("fundchannel_start's reply, of a new and of an old lightningd") {
  const std::string reply = R"({"funding_address":"bcrt1q","scriptpubkey":"0020ab","close_to":"5120cd",)"
                            R"("channel_type":{"bits":[12],"names":["static_remotekey/even"]},"warning_usage":"!"})";
  const auto make = [] { return fundchannel_start({}); };
  auto call = make();
  const auto& started = call.value(reply);
  CHECK(started.funding_address == "bcrt1q");
  CHECK(started.scriptpubkey == util::Bytes{0x00, 0x20, 0xab});
  CHECK(started.close_to == "5120cd");
  CHECK(started.channel_type == R"({"bits":[12],"names":["static_remotekey/even"]})");

  auto old = make();
  const auto& plain = old.value(R"({"funding_address":"bcrt1q","scriptpubkey":"0020ab"})");
  CHECK(!plain.close_to);
  CHECK(plain.channel_type.empty());

  check_required(make, "fundchannel_start", reply, "result.", {"funding_address", "scriptpubkey"});
  auto bad = make();
  CHECK(bad.result(R"({"funding_address":"bcrt1q","scriptpubkey":"002"})").error().message ==
        R"(unexpected reply to fundchannel_start: result.scriptpubkey: expected hex, got "002")");
  auto missing = make();
  CHECK(missing.result(R"({"funding_address":"bcrt1q"})").error().message ==
        "unexpected reply to fundchannel_start: result.scriptpubkey: missing");
}

TEST_CASE("fundchannel_complete shares the PSBT with all peers") {
  const auto psbt = util::share("cHNi");
  const auto make = [&psbt] {
    return Call<Completed>(
        [&psbt](const Client& client, auto then) { client.fundchannel_complete(node, psbt, false, std::move(then)); });
  };
  const std::string reply = R"({"channel_id":")" + channel_hex + R"(","commitments_secured":true})";
  auto call = make();
  CHECK(call.request == R"(fundchannel_complete {"psbt":"cHNi","id":")" + node_hex + "\"}");
  const auto& pieces = call.fixture.wire->sent[0].pieces();
  CHECK(std::find(pieces.begin(), pieces.end(), psbt) != pieces.end());
  const auto& completed = call.value(reply);
  CHECK(completed.channel_id.hex() == channel_hex);
  CHECK(completed.commitments_secured);
  check_required(make, "fundchannel_complete", reply, "result.", {"channel_id", "commitments_secured"});

  Call<Completed> withheld(
      [&psbt](const Client& client, auto then) { client.fundchannel_complete(node, psbt, true, std::move(then)); });
  CHECK(withheld.request == R"(fundchannel_complete {"psbt":"cHNi","id":")" + node_hex + R"(","withhold":true})");
}

TEST_CASE("listpeers: is it connected?") {
  const auto ask = [](const std::string& peers) {
    Call<bool> call([](const Client& client, auto then) { client.is_connected(node, std::move(then)); });
    CHECK(call.request == R"(listpeers {"id":")" + node_hex + "\"}");
    return call.value(R"({"peers":[)" + peers + "]}");
  };
  CHECK(ask(R"({"connected":true})"));
  CHECK_FALSE(ask(R"({"connected":false})"));
  CHECK_FALSE(ask(""));
}

TEST_CASE("setchannel names the channel, never the peer") {
  ChannelPolicy policy;
  policy.feebase = Msat{1'000};
  policy.feeppm = 250;
  policy.htlcmin = Msat{5};
  policy.htlcmax = Msat{900};
  const auto make = [&policy] {
    return Call<std::vector<std::string>>([&policy](const Client& client, auto then) {
      client.setchannel(node, *ChannelId::from_hex(channel_hex), policy, std::move(then));
    });
  };
  auto call = make();
  CHECK(call.request == R"(setchannel {"id":")" + channel_hex +
                            R"(","feebase":"1000msat","feeppm":250,"htlcmin":"5msat","htlcmax":"900msat"})");
  CHECK(call.value(R"({"channels":[{"channel_id":"x"}]})").empty());

  policy = {};
  policy.feeppm = 0;
  auto warned = make();
  CHECK(warned.request == R"(setchannel {"id":")" + channel_hex + R"(","feeppm":0})");
  CHECK(warned.value(R"({"channels":[{"warning_htlcmax_too_high":"too much"}]})") ==
        std::vector<std::string>{"htlcmax_too_high: too much"});

  for (const auto* bad : {"{}", R"({"channels":[]})", R"({"channels":[{},{}]})", R"({"channels":3})"}) {
    auto unreadable = make();
    auto& reply = unreadable.result(bad);
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().code == unreadable_reply);
  }
}

TEST_CASE("listpeerchannels") {
  CHECK(listpeerchannels().request == "listpeerchannels {}");
  auto call = listpeerchannels(node);
  CHECK(call.request == R"(listpeerchannels {"id":")" + node_hex + "\"}");
  const auto& channels = call.value(
      R"({"channels":[{"peer_id":")" + node_hex + R"(","peer_connected":true,"state":"CHANNELD_AWAITING_LOCKIN",)" +
      R"("channel_id":")" + channel_hex + R"(","funding_txid":")" + txid_hex + R"(","funding_outnum":3,)" +
      R"("opener":"local","short_channel_id":"1x2x3","total_msat":100000000,"funding":{"withheld":true}}]})");
  REQUIRE(channels.size() == 1);
  CHECK(channels[0].peer == node);
  CHECK(channels[0].awaits_lockin());
  CHECK(channels[0].channel_id->hex() == channel_hex);
  CHECK(channels[0].funding == outpoint);
  CHECK(channels[0].total == Sat{100000});
  CHECK(channels[0].opened_by_us);
  CHECK(channels[0].withheld);
  CHECK(channels[0].peer_connected);
  CHECK(channels[0].short_channel_id == "1x2x3");
}

TEST_CASE("listpeerchannels of an opening, and of a channel of the peer's") {
  auto call = listpeerchannels();
  const auto& channels = call.value(
      R"({"channels":[{"peer_id":")" + node_hex + R"(","state":"OPENINGD","opener":"local"},{"peer_id":")" + node_hex +
      R"(","state":"CHANNELD_NORMAL","opener":"remote","peer_connected":false,"total_msat":"5000msat","funding":{}}]})");
  REQUIRE(channels.size() == 2);
  CHECK(channels[0].opened_by_us);
  CHECK(!channels[0].channel_id);
  CHECK(!channels[0].funding);
  CHECK(!channels[0].total);
  CHECK(!channels[0].withheld);
  CHECK(channels[0].short_channel_id.empty());
  CHECK(!channels[1].opened_by_us);
  CHECK(!channels[1].peer_connected);
  CHECK(channels[1].total == Sat{5});
}

TEST_CASE("listpeerchannels: members that are there must be right") {
  const std::string good = R"({"peer_id":")" + node_hex + R"(","state":"OPENINGD"})";
  const auto make = [] { return listpeerchannels(); };
  check_required(make, "listpeerchannels", R"({"channels":[)" + good + "]}", "result.", {"channels"});
  check_required(make, "listpeerchannels", R"({"channels":[)" + good + "]}", "result.channels[0].",
                 {"peer_id", "state"});
  for (const std::string bad :
       {R"("channel_id":"22")", R"("total_msat":1)", R"("opener":1)", R"("peer_connected":"yes")",
        R"("funding":{"withheld":1})", R"("funding_txid":"1","funding_outnum":1)"}) {
    auto call = make();
    CHECK_MESSAGE(
        !call.result(R"({"channels":[)" + good + "," + good.substr(0, good.size() - 1) + "," + bad + "}]}").ok(), bad);
  }
}
