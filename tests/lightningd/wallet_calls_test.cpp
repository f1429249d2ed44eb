#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "client_fixture.hpp"
#include "lightningd/client.hpp"

using namespace test;

namespace {

Call<Funded> fundpsbt(const FundParams& params) {
  return Call<Funded>([&params](const Client& client, auto then) { client.fundpsbt(params, 2, std::move(then)); });
}
Call<std::vector<WalletOutput>> listfunds() {
  return Call<std::vector<WalletOutput>>([](const Client& client, auto then) { client.listfunds(std::move(then)); });
}
Call<std::vector<Reservation>> unreserveinputs() {
  return Call<std::vector<Reservation>>(
      [](const Client& client, auto then) { client.unreserveinputs(util::share("cHNi"), 72, std::move(then)); });
}

/// A reservation as lightningd reports it; `end` closes the object.
std::string reservation(const std::string& end) { return R"({"txid":")" + txid_hex + R"(","vout":3,)" + end + "}"; }

}  // namespace

TEST_CASE("fundpsbt") {
  FundParams params{false, Sat{123456}, "1000perkw", 42, 72, false};
  auto call = fundpsbt(params);
  CHECK(call.request == R"(fundpsbt {"satoshi":"123456sat","feerate":"1000perkw","startweight":42,"reserve":72,)"
                        R"("excess_as_change":true,"minconf":2,"nonwrapped":true})");

  const std::string reply =
      R"({"psbt":"cHNi","feerate_per_kw":1001,"estimated_final_weight":800,"excess_msat":5000,"change_outnum":1,)"
      R"("reservations":[)" +
      reservation(R"("was_reserved":false,"reserved":true,"reserved_to_block":900072)") + "]}";
  const auto& funded = call.value(reply);
  CHECK(funded.psbt == "cHNi");
  CHECK(funded.feerate == Perkw{1001});
  CHECK(funded.estimated_final_weight == 800);
  CHECK(funded.excess == Msat{5000});
  CHECK(funded.change_outnum == 1);
  REQUIRE(funded.reservations.size() == 1);
  CHECK(funded.reservations[0].outpoint == outpoint);
  CHECK(funded.reservations[0].reserved_to_block == 900072);

  const auto make = [&params] { return fundpsbt(params); };
  check_required(make, "fundpsbt", reply, "result.",
                 {"psbt", "feerate_per_kw", "estimated_final_weight", "excess_msat"});
  check_required(make, "fundpsbt", reply, "result.reservations[0].", {"txid", "vout", "reserved", "reserved_to_block"});
}

TEST_CASE("fundpsbt of all, for anchors; a reply without change and reservations") {
  auto call = fundpsbt({true, Sat{5}, "slow", 0, 0, true});
  CHECK(call.request ==
        R"(fundpsbt {"satoshi":"all","feerate":"slow","startweight":0,"reserve":0,"excess_as_change":true,)"
        R"("opening_anchor_channel":true,"minconf":2,"nonwrapped":true})");
  const auto& funded =
      call.value(R"({"psbt":"cHNi","feerate_per_kw":1,"estimated_final_weight":8,"excess_msat":"21000msat"})");
  CHECK(funded.excess == Msat{21000});
  CHECK(!funded.change_outnum);
  CHECK(funded.reservations.empty());
}

TEST_CASE("old amounts must be numbers with their unit") {
  for (const std::string amount : {"msat", "12", "12sat", "-1msat", " 1msat", "1.5msat", "99999999999999999999msat"}) {
    auto call = fundpsbt({});
    const auto& reply =
        call.result(R"({"psbt":"","feerate_per_kw":1,"estimated_final_weight":8,"excess_msat":")" + amount + "\"}");
    CHECK_MESSAGE(!reply.ok(), amount);
  }
}

TEST_CASE("utxopsbt") {
  const std::vector<Outpoint> utxos{outpoint, {outpoint.txid, 0}};
  Call<Funded> call([&utxos](const Client& client, auto then) {
    client.utxopsbt({false, Sat{1}, "slow", 2, 3, true}, utxos, true, std::move(then));
  });
  CHECK(call.request ==
        R"(utxopsbt {"satoshi":"1sat","feerate":"slow","startweight":2,"reserve":3,"excess_as_change":true,)"
        R"("opening_anchor_channel":true,"reservedok":true,"utxos":[")" +
            txid_hex + ":3\",\"" + txid_hex + ":0\"]}");
  CHECK(call.value(R"({"psbt":"x","feerate_per_kw":1,"estimated_final_weight":8,"excess_msat":0})").psbt == "x");
}

TEST_CASE("reserveinputs") {
  Call<std::vector<Reservation>> call(
      [](const Client& client, auto then) { client.reserveinputs(util::share("cHNi"), false, 72, std::move(then)); });
  CHECK(call.request == R"(reserveinputs {"psbt":"cHNi","exclusive":false,"reserve":72})");
  const auto& reserved =
      call.value(R"({"reservations":[)" + reservation(R"("reserved":true,"reserved_to_block":7)") + "]}");
  REQUIRE(reserved.size() == 1);
  CHECK(reserved[0].outpoint == outpoint);
  CHECK(reserved[0].reserved_to_block == 7);
}

TEST_CASE("unreserveinputs gives what is reserved still") {
  const std::string still = reservation(R"("reserved":true,"reserved_to_block":144)");
  auto call = unreserveinputs();
  CHECK(call.request == R"(unreserveinputs {"psbt":"cHNi","reserve":72})");
  const auto& left = call.value(R"({"reservations":[)" + reservation(R"("reserved":false)") + "," + still + "]}");
  REQUIRE(left.size() == 1);
  CHECK(left[0].reserved_to_block == 144);

  auto none = unreserveinputs();
  CHECK(none.value(R"({"reservations":[]})").empty());
  check_required(unreserveinputs, "unreserveinputs", R"({"reservations":{}})", "result.", {"reservations"});
  check_required(unreserveinputs, "unreserveinputs", R"({"reservations":[)" + still + "]}", "result.reservations[0].",
                 {"txid", "vout", "reserved", "reserved_to_block"});
}

TEST_CASE("listfunds") {
  const std::string first =
      R"({"txid":")" + txid_hex +
      R"(","output":3,"amount_msat":2000,"scriptpubkey":"0014ab","address":"bcrt1","status":"confirmed",)" +
      R"("blockheight":5,"reserved":true,"reserved_to_block":99})";
  const std::string second = R"({"txid":")" + txid_hex +
                             R"(","output":4,"amount_msat":"1000msat","scriptpubkey":"a914","redeemscript":"00",)"
                             R"("status":"unconfirmed"})";
  auto call = listfunds();
  CHECK(call.request == "listfunds {}");
  const auto& outputs = call.value(R"({"outputs":[)" + first + "," + second + R"(],"channels":[]})");
  REQUIRE(outputs.size() == 2);
  CHECK(outputs[0].outpoint == outpoint);
  CHECK(outputs[0].amount == Sat{2});
  CHECK(outputs[0].scriptpubkey == util::Bytes{0x00, 0x14, 0xab});
  CHECK(outputs[0].status == OutputStatus::confirmed);
  CHECK(outputs[0].reserved);
  CHECK(outputs[0].reserved_to_block == 99);
  CHECK(!outputs[0].has_redeemscript);
  CHECK(outputs[1].status == OutputStatus::unconfirmed);
  CHECK(outputs[1].amount == Sat{1});
  CHECK(!outputs[1].reserved);
  CHECK(outputs[1].reserved_to_block == 0);
  CHECK(outputs[1].has_redeemscript);

  check_required(listfunds, "listfunds", R"({"outputs":[)" + second + "," + first + "]}", "result.outputs[0].",
                 {"txid", "output", "amount_msat", "scriptpubkey", "status"});
}

TEST_CASE("what listfunds says of an output's status") {
  const auto read = [](const std::string& status) {
    auto call = listfunds();
    return call
        .value(R"({"outputs":[{"txid":")" + txid_hex +
               R"(","output":3,"amount_msat":2000,"scriptpubkey":"0014","status":")" + status + "\"}]}")[0]
        .status;
  };
  for (const std::string status : {"unconfirmed", "confirmed", "spent", "immature"}) {
    CHECK(read(status) != OutputStatus::unknown);
    CHECK(name_of(read(status)) == status);
  }
  CHECK(read("buried") == OutputStatus::unknown);
}

TEST_CASE("listfunds with the outputs that are spent") {
  const auto call = Call<std::vector<WalletOutput>>(
      [](const Client& client, auto then) { client.listfunds_with_spent(std::move(then)); });
  CHECK(call.request == R"(listfunds {"spent":true})");
}

TEST_CASE("txprepare") {
  const auto make = [] {
    return Call<Txid>([](const Client& client, auto then) {
      client.txprepare({{"bcrt1p", Sat{1'000}}, {"bcrt1p", std::nullopt}}, "7500perkw", {outpoint}, std::move(then));
    });
  };
  auto call = make();
  CHECK(call.request == R"(txprepare {"outputs":[{"bcrt1p":"1000sat"},{"bcrt1p":"all"}],"feerate":"7500perkw",)"
                        R"("utxos":[")" +
                            outpoint.str() + "\"]}");
  const std::string reply = R"({"txid":")" + txid_hex + "\"}";
  CHECK(call.value(reply) == outpoint.txid);
  check_required(make, "txprepare", reply, "result.", {"txid"});
}

TEST_CASE("txdiscard") {
  Call<void> call([](const Client& client, auto then) { client.txdiscard(outpoint.txid, std::move(then)); });
  CHECK(call.request == R"(txdiscard {"txid":")" + txid_hex + "\"}");
  CHECK(call.result("{}").ok());
}

TEST_CASE("newaddr") {
  const auto make = [] {
    return Call<std::string>([](const Client& client, auto then) { client.newaddr(std::move(then)); });
  };
  auto call = make();
  CHECK(call.request == R"(newaddr {"addresstype":"p2tr"})");
  CHECK(call.value(R"({"p2tr":"bcrt1p"})") == "bcrt1p");
  check_required(make, "newaddr", R"({"p2tr":"bcrt1p"})", "result.", {"p2tr"});
}

TEST_CASE("signpsbt") {
  const auto psbt = util::share("cHNi");
  const auto make = [&psbt] {
    return Call<util::SharedText>([&psbt](const Client& client, auto then) { client.signpsbt(psbt, std::move(then)); });
  };
  auto call = make();
  CHECK(call.request == R"(signpsbt {"psbt":"cHNi"})");
  const auto& pieces = call.fixture.wire->sent[0].pieces();
  CHECK(std::find(pieces.begin(), pieces.end(), psbt) != pieces.end());
  CHECK(*call.value(R"({"signed_psbt":"c2ln"})") == "c2ln");
  check_required(make, "signpsbt", R"({"signed_psbt":"c2ln"})", "result.", {"signed_psbt"});
}

TEST_CASE("sendpsbt") {
  const auto make = [] {
    return Call<Sent>(
        [](const Client& client, auto then) { client.sendpsbt(util::share("c2ln"), 6, std::move(then)); });
  };
  const std::string reply = R"({"tx":"0200","txid":")" + txid_hex + "\"}";
  auto call = make();
  CHECK(call.request == R"(sendpsbt {"psbt":"c2ln","reserve":6})");
  const auto& sent = call.value(reply);
  CHECK(sent.tx == "0200");
  CHECK(sent.txid == outpoint.txid);
  check_required(make, "sendpsbt", reply, "result.", {"tx", "txid"});
}

TEST_CASE("listfunds of another kind is an error, not a crash") {
  for (const std::string result : {"null", "[]", "5", "{}", R"({"outputs":{}})", R"({"outputs":[[]]})"}) {
    auto call = listfunds();
    CHECK_MESSAGE(!call.result(result).ok(), result);
  }
  auto call = listfunds();
  CHECK(call.result(R"({"outputs":[null]})").error().message ==
        "unexpected reply to listfunds: result.outputs[0]: expected an object, got null");
}
