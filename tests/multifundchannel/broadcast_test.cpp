// What a batch answers as `tx` when sendpsbt does not say it.
#include "sending/broadcast.hpp"

#include <map>

#include "../jsonrpc/memory_connector.hpp"
#include "journal/record_sample.hpp"
#include "json/value.hpp"
#include "jsonrpc/message.hpp"
#include "lightningd/codes.hpp"
#include "worlds.hpp"

namespace {

/// The end of a batch.
struct Ended final : sending::Broadcast::Owner {
  void sent(const std::string& hex) override { tx = hex; }
  void channels_vanished() override { FAIL("vanished"); }
  void not_sent(const util::Error& why) override { error = why; }
  std::optional<std::string> tx;
  std::optional<util::Error> error;
};

/// Of listpeerchannels: those of the sample, as they should be.
std::string channels_of(const ledger::Ledger& ledger) {
  std::string text;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto funding = *ledger.outpoint_of(i);
    text += util::str(i == 0 ? "" : ",", R"({"peer_id":")", ledger.openings[i]->peer.hex(),
                      R"(","peer_connected":true,"state":"CHANNELD_AWAITING_LOCKIN","opener":"local","channel_id":")",
                      std::string(64, '2'), R"(","funding_txid":")", funding.txid.hex(), R"(","funding_outnum":)",
                      funding.vout, R"(,"total_msat":)", ledger.openings[i]->amount.value * 1000,
                      R"(,"funding":{"withheld":true}})");
  }
  return util::str(R"({"channels":[)", text, "]}");
}

/// Signed, but without the outputs that it spends: which witness finishes it cannot be told.
std::string exotic_psbt() {
  auto bytes = record_sample::transaction().serialise(0);
  constexpr std::size_t maps = 2 + 3;  // of inputs and outputs, each with its end only
  bytes.resize(bytes.size() - maps);
  for (int input = 0; input < 2; ++input) {
    bytes.insert(bytes.end(), {1, 0x13, 64});
    bytes.insert(bytes.end(), 64, 7);
    bytes.push_back(0);
  }
  bytes.insert(bytes.end(), 3, 0);
  const auto psbt = psbt::Psbt::parse(bytes);
  REQUIRE_MESSAGE(psbt.ok(), psbt.error().message);
  return psbt->base64(0);
}

/// What comes of a batch with such a transaction when sendpsbt errs and listtransactions answers so.
Ended when_sendpsbt_errs(const std::string& transactions) {
  sim::VirtualTime time;
  test::MemoryConnector connector;
  jsonrpc::Caller caller(connector, "path");
  caller.start();
  const auto wire = connector.accept();
  spark::Scope scope(time, nullptr);
  spark::Gate connects(time, 1);
  report::BatchWatch watch(time, {});
  ledger::Book book;
  peers::BatchContext context{.calls = {scope, lightningd::Client(caller, ""), {}},
                              .connects = connects,
                              .watch = watch,
                              .book = book,
                              .withhold = true};
  funding::FundingTransaction transaction;
  const auto ledger = std::make_shared<ledger::Ledger>(record_sample::ledger());
  transaction.psbt = ledger->plan->psbt;
  transaction.txid = ledger->plan->txid;
  transaction.cost = {bitcoin::Sat{5'910}, {}, bitcoin::Perkw{7'500}, 788};
  Ended owner;
  sending::Broadcast broadcast(context, owner, sending::Broadcast::Job{ledger, transaction, {}, {}});
  broadcast.run();
  const std::map<std::string, std::string> results{{"feerates", R"({"perkw":{"floor":253,"min_acceptable":253}})"},
                                                   {"listpeerchannels", channels_of(*ledger)},
                                                   {"signpsbt", R"({"signed_psbt":")" + exotic_psbt() + "\"}"},
                                                   {"listtransactions", transactions}};
  for (std::size_t i = 0; i < wire->sent.size(); ++i) {
    const auto asked = jsonrpc::Message::parse(wire->sent.at(i).flat());
    REQUIRE(asked.ok());
    const auto found = results.find(asked->method());
    wire->say(found != results.end() ? jsonrpc::reply_text(asked->raw_id(), found->second)
                                     : jsonrpc::error_text(asked->raw_id(), {-1, asked->method() + " failed", {}}));
  }
  return owner;
}

}  // namespace

TEST_CASE("sendpsbt erred, the wallet knows the transaction, and nobody can tell it in full: there is no empty `tx`") {
  const auto txid = record_sample::transaction().txid().hex();
  const auto ended = when_sendpsbt_errs(R"({"transactions":[{"hash":")" + txid + R"("}]})");
  CHECK_FALSE(ended.tx);
  REQUIRE(ended.error);
  CHECK(ended.error->code == lightningd::code::broadcast_fail);
  CHECK(worlds::says(ended.error->message, "it may be on its way"));
  CHECK(worlds::says(ended.error->data, R"("txid":")" + txid));
  CHECK_FALSE(worlds::says(ended.error->data, R"("tx":)"));
}
