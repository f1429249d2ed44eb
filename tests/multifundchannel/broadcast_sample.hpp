#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "../jsonrpc/memory_connector.hpp"
#include "journal/record_sample.hpp"
#include "sending/broadcast.hpp"
#include "worlds.hpp"

/// A Broadcast of the sample's transaction that runs, with lightningd's side in the test's hands.
struct SampleBroadcast {
  /// What the batch hears.
  struct End final : sending::Broadcast::Owner {
    void sent(const std::string& hex) override { tx = hex; }
    void channels_vanished() override { FAIL("vanished"); }
    void not_sent(const util::Error& why) override { error = why; }
    std::optional<std::string> tx;
    std::optional<util::Error> error;
  };

  explicit SampleBroadcast(request::FeeCap fee_cap = {}) : cap(std::move(fee_cap)) {
    transaction.psbt = ledger->plan->psbt;
    transaction.txid = ledger->plan->txid;
    transaction.cost = {bitcoin::Sat{5'910}, {}, bitcoin::Perkw{7'500}, 788};
    caller.start();
    wire = connector.accept();
    broadcast.emplace(context, end, sending::Broadcast::Job{ledger, transaction, cap, {}});
    broadcast->run();
  }

  /// Of listpeerchannels: those of the sample, as they should be.
  [[nodiscard]] std::string channels() const {
    std::string text;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto funding = *ledger->outpoint_of(i);
      text += util::str(i == 0 ? "" : ",", R"({"peer_id":")", ledger->openings[i]->peer.hex(),
                        R"(","peer_connected":true,"state":"CHANNELD_AWAITING_LOCKIN","opener":"local","channel_id":")",
                        std::string(64, '2'), R"(","funding_txid":")", funding.txid.hex(), R"(","funding_outnum":)",
                        funding.vout, R"(,"total_msat":)", ledger->openings[i]->amount.value * 1000,
                        R"(,"funding":{"withheld":true}})");
    }
    return util::str(R"({"channels":[)", text, "]}");
  }

  sim::VirtualTime time;
  test::MemoryConnector connector;
  jsonrpc::Caller caller{connector, "path"};
  std::shared_ptr<test::Wire> wire;
  spark::Scope scope{time, nullptr};
  spark::Gate connects{time, 1};
  report::BatchWatch watch{time, {}};
  ledger::Book book;
  peers::BatchContext context{.calls = {scope, lightningd::Client(caller, ""), {}},
                              .connects = connects,
                              .watch = watch,
                              .book = book,
                              .withhold = true};
  std::shared_ptr<ledger::Ledger> ledger = std::make_shared<ledger::Ledger>(record_sample::ledger());
  funding::FundingTransaction transaction;
  request::FeeCap cap;
  End end;
  std::optional<sending::Broadcast> broadcast;
};
