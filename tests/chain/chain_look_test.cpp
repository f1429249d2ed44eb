#include "chain/chain_look.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "../lightningd/client_fixture.hpp"

using namespace test;
using chain::ChainLook;
using chain::WalletTransaction;

namespace {

Call<bool> is_unspent() {
  return Call<bool>([](const Client& client, auto then) { ChainLook(client).is_unspent(outpoint, std::move(then)); });
}

Call<std::optional<TxOutput>> unspent() {
  return Call<std::optional<TxOutput>>(
      [](const Client& client, auto then) { ChainLook(client).unspent(outpoint, std::move(then)); });
}

Call<bool> is_recorded() {
  return Call<bool>(
      [](const Client& client, auto then) { ChainLook(client).is_recorded(outpoint.txid, std::move(then)); });
}

Call<std::vector<WalletTransaction>> all_recorded() {
  return Call<std::vector<WalletTransaction>>(
      [](const Client& client, auto then) { ChainLook(client).all_recorded(std::move(then)); });
}

}  // namespace

TEST_CASE("an output is unspent when bitcoind has it, whatever it says of it") {
  CHECK(is_unspent().request == R"(getutxout {"txid":")" + txid_hex + R"(","vout":3})");
  for (const std::string amount : {R"("1000sat")", "1000", R"("0.00001")"}) {
    CHECK(is_unspent().value(R"({"amount":)" + amount + R"(,"script":"0014"})"));
  }
  CHECK(!is_unspent().value("{}"));
  CHECK(!is_unspent().result("[]").ok());
}

TEST_CASE("an output's amount and script are read strictly") {
  auto call = unspent();
  const auto& output = call.value(R"({"amount":"1000sat","script":"0014ab"})");
  REQUIRE(output);
  CHECK(output->amount == Sat{1'000});
  CHECK(output->script == util::Bytes{0x00, 0x14, 0xab});
  CHECK(!unspent().value("{}"));
  for (const std::string wrong : {R"({"amount":"1000","script":"0014"})", R"({"amount":1000,"script":"0014"})",
                                  R"({"amount":"1000sat","script":"xy"})", R"({"amount":"1000sat"})", "[]"}) {
    CHECK_MESSAGE(!unspent().result(wrong).ok(), wrong);
  }
}

TEST_CASE("a transaction is known when listtransactions has it") {
  const std::string other = R"({"hash":")" + std::string(64, '0') + "\"}";
  CHECK(is_recorded().request == "listtransactions {}");
  CHECK(is_recorded().value(R"({"transactions":[)" + other + R"(,{"hash":")" + txid_hex + "\"}]}"));
  CHECK(!is_recorded().value(R"({"transactions":[)" + other + "]}"));
  CHECK(is_recorded().result(R"({"transactions":[{}]})").error().code == unreadable_reply);
}

TEST_CASE("all transactions that are recorded, with what they spend") {
  const std::string one =
      R"({"hash":")" + channel_hex + R"(","blockheight":7,"inputs":[{"txid":")" + txid_hex + R"(","index":3}]})";
  auto call = all_recorded();
  CHECK(call.request == "listtransactions {}");
  const auto& all = call.value(R"({"transactions":[)" + one + "]}");
  REQUIRE(all.size() == 1);
  CHECK(all[0].txid.hex() == channel_hex);
  CHECK(all[0].blockheight == 7);
  CHECK(all[0].inputs == std::vector<Outpoint>{outpoint});
  check_required(all_recorded, "listtransactions", R"({"transactions":[)" + one + "]}", "result.transactions[0].",
                 {"hash", "blockheight", "inputs"});
}
