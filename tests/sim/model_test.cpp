#include "sim/model.hpp"

#include <doctest/doctest.h>

#include <string>

#include "json/writer.hpp"

namespace {

using sim::Kind;
using sim::Phase;
using util::str;

using namespace model;

std::string psbt_params(const std::string& psbt) { return str("{\"psbt\":\"", psbt, "\"}"); }

/// That the transaction may be sent.
void record(Model& model) {
  constexpr std::string_view text = R"({"phase":"sending"})";
  model.core().monitor.recorded("", util::Bytes(text.begin(), text.end()));
}

std::string version_2(const std::string& psbt) { return psbt::Psbt::from_base64(psbt)->base64(2); }

}  // namespace

TEST_CASE("a channel opens, and the transaction is worth what it says") {
  Model model(with_peers({peer("a")}));
  const auto psbt = start_one(model, "a");
  CHECK(model.core().peers.by_name("a")->opening.has_value());
  const auto completed = model.call("fundchannel_complete", complete_params(model, "a", psbt));
  CHECK(field(completed, "commitments_secured") == "true");
  const auto listed = model.call("listpeerchannels", "{}");
  CHECK(listed.find("\"withheld\":true") != std::string::npos);
  record(model);
  const auto signed_psbt = field(model.call("signpsbt", psbt_params(psbt)), "signed_psbt");
  const auto sent = model.call("sendpsbt", psbt_params(version_2(signed_psbt)));
  CHECK(field(sent, "txid") == psbt::Psbt::from_base64(psbt)->txid().hex());
  CHECK(model.call("listpeerchannels", "{}").find("\"withheld\":false") != std::string::npos);
  CHECK(model.violations() == std::vector<std::string>());
  model.lightningd.node().mine(1);
  CHECK(model.core().wallet.coins()[0].state == sim::Coin::State::spent);
}

TEST_CASE("signing and sending before the commitments, or off the record, is noticed") {
  Model model(with_peers({peer("a")}));
  const auto psbt = start_one(model, "a");
  const auto signed_psbt = field(model.call("signpsbt", psbt_params(psbt)), "signed_psbt");
  CHECK(model.violations().size() == 2);  // nor is it on record
  CHECK(model.call("sendpsbt", psbt_params(signed_psbt)).starts_with("{"));
  CHECK(model.violations().size() == 5);  // both again, and the version
}

TEST_CASE("reservations add and subtract blocks") {
  Model model(sim::Setup{});
  const auto psbt = field(model.call("fundpsbt", fund_params), "psbt");
  auto& coin = model.core().wallet.coins()[0];
  CHECK(coin.reserved_until == 122);
  const auto more = str("{\"psbt\":\"", psbt, "\",\"exclusive\":false,\"reserve\":100}");
  CHECK(model.call("reserveinputs", more).find("\"reserved_to_block\":222") != std::string::npos);
  CHECK(model.call("reserveinputs", psbt_params(psbt)).starts_with("error -32602: "));
  CHECK(model.call("unreserveinputs", str("{\"psbt\":\"", psbt, "\",\"reserve\":100}")).starts_with("{"));
  CHECK(coin.reserved_until == 122);
  CHECK(model.call("unreserveinputs", psbt_params(psbt)).find("\"reserved\":false") != std::string::npos);
  CHECK(model.call("signpsbt", psbt_params(psbt)).find("is not reserved") != std::string::npos);
}

TEST_CASE("coin selection knows its limits") {
  sim::Setup setup;
  setup.coins = {{bitcoin::Sat{1'000'000}}};
  Model model(setup);
  CHECK(model.call("fundpsbt", fund_params).starts_with("error 301: Could not afford 1000000sat using all 1 "));
  const std::string all = R"({"satoshi":"all","feerate":"253perkw","startweight":214,"opening_anchor_channel":true})";
  const auto funded = model.call("fundpsbt", all);
  CHECK(field(funded, "change_outnum") == "0");  // the emergency reserve
  const auto psbt = psbt::Psbt::from_base64(field(funded, "psbt"));
  CHECK(psbt->outputs()[0].amount == bitcoin::Sat{25'000});
  CHECK(model.call("fundpsbt", fund_params).starts_with("error 301: "));  // all reserved

  sim::Setup small;
  small.coins = {{bitcoin::Sat{25'100}}};
  Model poor(small);
  CHECK(poor.call("fundpsbt", all).starts_with("error 313: "));
  CHECK(poor.call("fundpsbt", R"(["1000sat","1","100"])").starts_with("{"));
}

TEST_CASE("fundchannel_cancel at every stage") {
  Model model(
      with_peers({peer("a"), peer("b", {{Phase::start, Kind::silent}}), peer("c", {{Phase::complete, Kind::silent}})}));
  CHECK(model.call("fundchannel_cancel", model.of("a")).starts_with("error 307: No channels being opened"));

  const auto psbt = start_one(model, "a");
  CHECK(model.call("fundchannel_cancel", model.of("a")) == R"({"cancelled":"Channel open canceled by RPC"})");
  CHECK(model.call("fundchannel_complete", complete_params(model, "a", psbt))
            .starts_with("error -1: No channel funding"));

  auto start = std::make_shared<std::string>("never");
  model.start("fundchannel_start", str("[\"", model.id("b"), "\",1000000]"), start);
  CHECK(model.call("fundchannel_cancel", model.of("b")).starts_with("error 307: No channel funding in progress."));
  CHECK(model.call("disconnect", str("[\"", model.id("b"), "\",true]")) == "{}");
  CHECK(*start == "error -1: disconnect command");
}

TEST_CASE("a cancel behind a hanging complete never answers") {
  Model model(with_peers({peer("a", {{Phase::complete, Kind::silent}})}));
  const auto psbt = start_one(model, "a");
  auto complete = std::make_shared<std::string>("never");
  auto cancel = std::make_shared<std::string>("never");
  model.start("fundchannel_complete", complete_params(model, "a", psbt), complete);
  model.start("fundchannel_cancel", model.of("a"), cancel);
  model.time.run_for(std::chrono::minutes(5));
  CHECK(*complete == "never");
  CHECK(model.call("disconnect", str("[\"", model.id("a"), "\",true]")) == "{}");
  CHECK(*complete == "error -1: disconnect command");
  CHECK(*cancel == "never");
  CHECK(model.call("fundchannel_cancel", model.of("a")).starts_with("error 306: "));
}

TEST_CASE("cancel takes the first channel that awaits its lock-in, whosever it is") {
  auto busy = peer("a");
  busy.channels = {{"CHANNELD_AWAITING_LOCKIN", true, true, bitcoin::Sat{5}}};
  Model model(with_peers({busy}));
  const auto psbt = start_one(model, "a");
  CHECK(field(model.call("fundchannel_complete", complete_params(model, "a", psbt)), "commitments_secured") == "true");
  CHECK(model.call("fundchannel_cancel", model.of("a")).find("after fundchannel_complete") != std::string::npos);
  REQUIRE(model.violations().size() == 1);
  CHECK(model.violations()[0].find("a channel of another program") != std::string::npos);
  CHECK(model.core().peers.by_name("a")->channels.size() == 1);
  CHECK(model.call("disconnect", model.of("a")).starts_with("error -1: Peer has (at least one) channel in state"));
}

TEST_CASE("an error from the peer makes a withheld channel and its reservation vanish") {
  Model model(with_peers({peer("a", {{Phase::opened, Kind::refuse}})}));
  const auto psbt = start_one(model, "a");
  CHECK(model.call("fundchannel_complete", complete_params(model, "a", psbt)).starts_with("{"));
  model.time.run_for(std::chrono::seconds(1));
  CHECK(model.core().peers.by_name("a")->channels.empty());
  CHECK(!model.core().wallet.is_reserved(model.core().wallet.coins()[0]));
}

TEST_CASE("a broadcast that fails keeps the channel as sent; cancelling it then is noticed") {
  auto setup = with_peers({peer("a")});
  setup.broadcast = sim::Broadcast::fails;
  Model model(setup);
  const auto psbt = start_one(model, "a");
  CHECK(model.call("fundchannel_complete", complete_params(model, "a", psbt)).starts_with("{"));
  record(model);
  const auto signed_psbt = field(model.call("signpsbt", psbt_params(psbt)), "signed_psbt");
  CHECK(model.call("sendpsbt", psbt_params(version_2(signed_psbt))).starts_with("error -1: Error broadcasting"));
  CHECK(model.call("listpeerchannels", "{}").find("\"withheld\":false") != std::string::npos);
  CHECK(model.violations().empty());
  CHECK(model.call("fundchannel_cancel", model.of("a")).starts_with("{"));
  CHECK(model.violations().size() == 1);
}

TEST_CASE("connectd works on ten connections and lets one more in a second") {
  std::vector<sim::PeerSetup> peers;
  for (int i = 0; i < 20; ++i) peers.push_back(peer(str("p", i)));
  for (auto& one : peers) one.connected = false;
  Model model(with_peers(peers));
  std::vector<std::shared_ptr<std::string>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(std::make_shared<std::string>("never"));
    model.start("connect", model.of(str("p", i)), answers.back());
  }
  model.time.run_for(spark::Duration(500));
  CHECK(std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return *answer != "never"; }) == 10);
  model.time.run_for(spark::Duration(9000));
  CHECK(std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return *answer != "never"; }) == 19);
}

TEST_CASE("the datastore keeps parents and children apart") {
  Model model(sim::Setup{});
  CHECK(model.call("datastore", R"({"key":["x","y"],"string":"one"})").find("\"generation\":0") != std::string::npos);
  CHECK(model.call("datastore", R"({"key":["x","y"],"string":"two"})").starts_with("error 1202"));
  CHECK(model.call("datastore", R"({"key":["x"],"string":"two"})").starts_with("error 1205"));
  CHECK(model.call("datastore", R"({"key":["x","y","z"],"string":"two"})").starts_with("error 1206"));
  CHECK(model.call("datastore", R"({"key":["x","y"],"string":"2","mode":"must-replace","generation":7})")
            .starts_with("error 1204"));
  CHECK(model.call("datastore", R"({"key":["x","y"],"string":"2","mode":"must-replace","generation":0})")
            .find("\"generation\":1") != std::string::npos);
  CHECK(model.call("listdatastore", R"({"key":["x"]})").find("\"string\":\"2\"") != std::string::npos);
  CHECK(model.call("deldatastore", R"({"key":["x","y"]})").starts_with("{"));
  CHECK(model.call("deldatastore", R"({"key":["x","y"]})").starts_with("error 1200"));
}

TEST_CASE("a signed transaction that is stored is noticed, unless it is a kept answer") {
  Model model(with_peers({peer("a")}));
  const auto psbt = start_one(model, "a");
  CHECK(field(model.call("fundchannel_complete", complete_params(model, "a", psbt)), "commitments_secured") == "true");
  record(model);
  const auto signed_psbt = field(model.call("signpsbt", psbt_params(psbt)), "signed_psbt");
  const auto store = [&model](const std::string& name, std::string_view text) {
    (void)model.call(
        "datastore",
        json::Writer().object().raw_field("key", str("[\"", name, "\"]")).field("string", text).end().take());
    return model.violations().size();
  };
  CHECK(store("unsigned", psbt) == 0);
  CHECK(store("answer", str(R"({"result":"{\"tx\":\")", signed_psbt, R"(\"}"})")) == 0);
  CHECK(store("record", str("{\"psbt\":\"", signed_psbt, "\"}")) == 1);
}
