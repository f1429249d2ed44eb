#include "ledger/reservation_record.hpp"

#include <doctest/doctest.h>

#include "jsonrpc/caller.hpp"

using bitcoin::Outpoint;
using bitcoin::Txid;
using ledger::ReservationRecord;
using lightningd::WalletOutput;

namespace {

Outpoint outpoint(std::uint32_t vout) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(1);
  return {Txid::from_bytes(bytes), vout};
}

/// Two inputs, reserved for 12 blocks at height 100, and 133 more are asked for.
ReservationRecord extended_record() {
  ReservationRecord record;
  record.reserved({{outpoint(0), 112}, {outpoint(1), 112}}, 12);
  record.sent();
  record.doubtful_blocks = 133;
  return record;
}

WalletOutput reserved_output(const Outpoint& coin, std::uint32_t to) {
  WalletOutput output;
  output.outpoint = coin;
  output.reserved = true;
  output.reserved_to_block = to;
  return output;
}

const util::Error lost{jsonrpc::Caller::lost, "no answer", {}};
const util::Error refused{-32602, "refused", {}};

}  // namespace

TEST_CASE("an extension counts for the inputs that were ours alone before") {
  auto record = extended_record();
  // Another program has reserved the second one for 72 blocks meanwhile.
  const ReservationRecord::Reservations answer{{outpoint(0), 245}, {outpoint(1), 317}};
  CHECK(record.foreign(answer, 133) == std::vector{outpoint(1)});
  record.extension_answered(answer);
  CHECK(record.heights.at(outpoint(0)) == 245);
  CHECK(record.heights.at(outpoint(1)) == 112);
  CHECK(record.blocks == 145);
  CHECK(record.doubtful_blocks == 0);
  CHECK_FALSE(record.in_flight());
}

TEST_CASE("what had lapsed just before an extension is reserved by it alone, and is ours") {
  auto record = extended_record();
  const ReservationRecord::Reservations answer{{outpoint(0), 245}, {outpoint(1), 271, false}};
  CHECK(record.foreign(answer, 133).empty());
  record.extension_answered(answer);
  CHECK(record.heights.at(outpoint(1)) == 271);
  CHECK(record.explains_now(outpoint(1), 271));
}

TEST_CASE("an extension that is refused has added nothing; one whose answer is lost leaves doubt") {
  auto record = extended_record();
  record.extension_answered(refused);
  CHECK(record.doubtful_blocks == 0);
  CHECK(record.blocks == 12);

  record = extended_record();
  record.extension_answered(lost);
  CHECK(record.doubtful_blocks == 133);
  CHECK(record.blocks == 12);
  CHECK_FALSE(record.in_flight());
}

TEST_CASE("what listfunds shows settles whether an extension was carried out") {
  auto record = extended_record();
  record.settle_doubt({reserved_output(outpoint(0), 245), reserved_output(outpoint(2), 245)});
  CHECK(record.heights.at(outpoint(0)) == 245);
  CHECK(record.heights.at(outpoint(1)) == 112);
  CHECK(record.heights.size() == 2);
  CHECK(record.blocks == 145);
  CHECK(record.doubtful_blocks == 0);

  record = extended_record();
  record.settle_doubt({reserved_output(outpoint(0), 112), reserved_output(outpoint(1), 317)});
  CHECK(record.heights.at(outpoint(0)) == 112);
  CHECK(record.heights.at(outpoint(1)) == 112);
  CHECK(record.blocks == 12);
  CHECK(record.doubtful_blocks == 0);
}

TEST_CASE("inputs that were free are reserved again for the blocks asked for, whatever they were before") {
  auto record = extended_record();
  record.renewal_answered(ReservationRecord::Reservations{{outpoint(0), 253}});
  CHECK(record.heights.at(outpoint(0)) == 253);
  CHECK(record.heights.at(outpoint(1)) == 112);
  CHECK(record.blocks == 133);
  CHECK(record.doubtful_blocks == 0);
  CHECK_FALSE(record.in_flight());

  record = extended_record();
  record.announce_renewal({outpoint(0)}, 120, 0);
  record.renewal_answered(lost);
  CHECK(record.doubtful_blocks == 133);
  CHECK(record.heights.at(outpoint(0)) == 132);
  record.renewal_sent();
  record.renewal_answered(refused);
  CHECK(record.doubtful_blocks == 0);
  CHECK(record.heights.at(outpoint(0)) == 132);
  CHECK(record.heights.at(outpoint(1)) == 112);
}

TEST_CASE("a renewal explains the heights of the inputs that were renewed, and of no other") {
  auto record = extended_record();
  record.doubtful_blocks = 0;
  record.since = 3;
  record.announce_renewal({outpoint(0)}, 200, 7);
  CHECK(record.renewed_at == 200);
  CHECK(record.explains(outpoint(0), 212));
  CHECK(record.explains(outpoint(0), 213));  // a block came in between
  CHECK_FALSE(record.explains(outpoint(0), 214));
  CHECK_FALSE(record.explains(outpoint(0), 112));
  CHECK(record.explains(outpoint(1), 112));
  CHECK_FALSE(record.explains(outpoint(1), 113));
  CHECK_FALSE(record.explains(outpoint(1), 212));

  record.renewal_sent();
  CHECK(record.asked_since(outpoint(0)) == 7);
  CHECK(record.asked_since(outpoint(1)) == 3);
  CHECK(record.in_flight());
}

TEST_CASE("what waits for the answers waits for all of them") {
  ReservationRecord record;
  int answers = 0;
  record.when_answered([&answers] { ++answers; });
  record.sent();
  record.sent();
  record.answered();
  CHECK(record.in_flight());
  CHECK(answers == 0);
  record.answered();
  CHECK_FALSE(record.in_flight());
  CHECK(answers == 1);
}

TEST_CASE("a copy without some inputs, or without what a sendpsbt adds, leaves the record as it is") {
  auto record = extended_record();
  record.send_adds(2016);
  CHECK(record.explains(outpoint(0), 2128));
  CHECK_FALSE(record.without_sent().explains(outpoint(0), 2128));
  CHECK(record.without_sent().explains(outpoint(0), 112));
  CHECK(record.without({outpoint(0), outpoint(2)}).inputs() == std::vector{outpoint(1)});
  CHECK(record.without({outpoint(0)}).sent_blocks == 2016);
  CHECK(record.sent_blocks == 2016);
  CHECK(record.inputs() == std::vector{outpoint(0), outpoint(1)});
}

TEST_CASE("what txprepare has reserved is ours as fundpsbt would have left it when it is discarded") {
  ReservationRecord record;
  record.announce_prepare({outpoint(0)}, 100, 12);
  CHECK_FALSE(record.explains(outpoint(0), 172));  // it may not have been sent
  record.prepare_sent();
  CHECK(record.explains(outpoint(0), 173));
  record.prepare_answered(Txid{}, false);
  record.prepared_by(100);
  CHECK_FALSE(record.explains(outpoint(0), 173));
  CHECK(record.explains(outpoint(0), 184));
  record.sent();
  record.discard_answered(true, {{outpoint(0), 112}});
  CHECK_FALSE(record.prepared);
  CHECK(record.blocks == 12);
  CHECK(record.explains(outpoint(0), 112));
  CHECK_FALSE(record.in_flight());
}

TEST_CASE("a txprepare that is refused leaves nothing; one whose answer is lost stays as announced") {
  for (const bool nothing : {true, false}) {
    ReservationRecord record;
    record.announce_prepare({outpoint(0)}, 100, 12);
    record.prepare_sent();
    record.prepare_answered(nothing ? refused : lost, nothing);
    CHECK(record.held() != nothing);
    CHECK_FALSE(record.in_flight());
  }
}
