#include "journal/record_check.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "journal/journal_format.hpp"
#include "record_sample.hpp"

using bitcoin::Sat;
using ledger::BatchPhase;
using ledger::Ledger;
using ledger::PreparedRecord;
using psbt::Psbt;
using record_sample::first_input;
using record_sample::plan;
using record_sample::transaction;

namespace {

/// What is wrong with the record of this ledger; "" for nothing.
std::string wrong_with(const Ledger& ledger) {
  const auto read = journal::read_ledger(journal::write_ledger(ledger));
  return read ? "" : read.error().message;
}

std::string wrong_after(const std::function<void(Ledger&)>& change) {
  auto ledger = record_sample::ledger();
  change(ledger);
  return wrong_with(ledger);
}

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("what a batch leaves is a possible record, in every phase") {
  for (const auto phase : {BatchPhase::begun, BatchPhase::opening, BatchPhase::completing, BatchPhase::sending}) {
    const auto wrong = wrong_after([phase](Ledger& ledger) {
      ledger.phase = phase;
      if (phase < BatchPhase::completing) ledger.plan.reset();
    });
    CHECK(wrong == "");
  }
  // After its undoing the inputs are free, and it is not ready to be sent any more.
  CHECK(wrong_after([](Ledger& ledger) {
          ledger.phase = BatchPhase::completing;
          ledger.reservation.released();
        }) == "");
  // Or it never can confirm: without a reservation nothing lets it be signed.
  CHECK(wrong_after([](Ledger& ledger) { ledger.reservation.released(); }) == "");
}

TEST_CASE("nothing is ready to be sent that funds no channel") {
  // Anybody's transaction: all of its nought channels are there.
  CHECK(says(wrong_after([](Ledger& ledger) { plan(ledger, transaction(), {{}, {}, {}}); }), "outnum: no channel"));
}

TEST_CASE("each channel has an output of its own, with its amount") {
  using Outnums = std::vector<std::optional<std::uint32_t>>;
  const auto with = [](Outnums outnums) {
    return wrong_after([&outnums](Ledger& ledger) { plan(ledger, transaction(), outnums); });
  };
  CHECK(with({0, 2, {}}) == "");
  CHECK(says(with({0, 0, {}}), "outnum: two channels"));
  CHECK(says(with({0, 3, {}}), "outnum: the psbt has no such output"));
  CHECK(says(with({0, UINT32_MAX, {}}), "outnum: the psbt has no such output"));
  CHECK(says(with({2, 0, {}}), "another amount"));
  CHECK(says(with({0, 2, 1}), "another amount"));
  CHECK(says(with({0, {}, {}}), "an output that is nobody's"));
}

TEST_CASE("what is no channel's output is the change that was recorded") {
  const auto paying = [](const std::function<void(Psbt&)>& change) {
    return wrong_after([&change](Ledger& ledger) {
      auto psbt = transaction();
      change(psbt);
      plan(ledger, psbt);
    });
  };
  CHECK(says(paying([](Psbt& psbt) {
               psbt.insert_output(3, {Sat{1'000}, record_sample::foreign_script});
             }),
             "an output that is nobody's"));
  CHECK(says(paying([](Psbt& psbt) {
               psbt.remove_output(1);
               psbt.insert_output(1, {Sat{500'000}, record_sample::foreign_script});
             }),
             "its change goes elsewhere"));
  CHECK(says(wrong_after([](Ledger& ledger) { ledger.plan->change.reset(); }), "an output that is nobody's"));
}

TEST_CASE("a transaction spends what is reserved for it, each coin once") {
  const auto spending = [](const std::vector<bitcoin::Outpoint>& inputs) {
    return wrong_after([&inputs](Ledger& ledger) {
      auto psbt = Psbt::spending(inputs);
      for (std::size_t i = 0; i < 3; ++i) psbt.insert_output(i, transaction().outputs()[i]);
      plan(ledger, psbt);
    });
  };
  const bitcoin::Outpoint other{first_input.txid, 9};
  CHECK(spending({first_input, record_sample::second_input}) == "");
  CHECK(says(spending({first_input, record_sample::second_input, other}), "spends what is not reserved"));
  CHECK(says(spending({first_input}), "does not spend"));
  CHECK(says(spending({first_input, other}), "does not spend"));
  CHECK(says(spending({first_input, first_input, record_sample::second_input}), "spends twice"));
}

TEST_CASE("a record names each peer once, and no more than there is") {
  CHECK(says(wrong_after([](Ledger& l) { l.openings[2]->peer = l.openings[0]->peer; }), "twice: 02bbbb"));
  const Sat too_much{bitcoin::max_money.value + 1};
  CHECK(says(wrong_after([too_much](Ledger& l) { l.openings[2]->planned = l.openings[2]->amount = too_much; }),
             "21 million"));
  CHECK(says(wrong_after([too_much](Ledger& l) { l.openings[0]->earlier = {too_much}; }), "21 million"));
  CHECK(says(wrong_after([](Ledger& l) {
               l.openings[0]->policy = request::PolicyRecord{{bitcoin::Msat{4'294'967'296}, {}, {}, {}}};
             }),
             "feebase"));
  CHECK(says(wrong_after([](Ledger& l) { l.openings.clear(); }), "destinations: none"));
}

TEST_CASE("a record has a batch's id and a time that there was") {
  for (const auto* id : {"", "a", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaag"}) {
    CHECK(says(wrong_after([id](Ledger& l) { l.id = id; }), "not the id of a batch"));
  }
  for (const std::int64_t begun : {std::int64_t{7'258'118'401}, std::int64_t{1} << 62}) {
    CHECK(says(wrong_after([begun](Ledger& l) { l.begun = begun; }), "begun"));
  }
  CHECK(wrong_after([](Ledger& l) { l.begun = -1; }) != "");
}

TEST_CASE("a record's heights are some that a chain has, and near each other") {
  const auto high = [](const std::function<void(ledger::ReservationRecord&)>& change) {
    return wrong_after([&change](Ledger& ledger) { change(ledger.reservation); });
  };
  CHECK(says(high([](auto& r) { r.heights[first_input] = UINT32_MAX; }), "no chain has"));
  CHECK(says(high([](auto& r) { r.blocks = 500'000'000; }), "no chain has"));
  CHECK(says(high([](auto& r) { r.doubtful_blocks = 500'000'000; }), "no chain has"));
  CHECK(says(high([](auto& r) { r.sent_blocks = 500'000'000; }), "no chain has"));
  CHECK(says(high([](auto& r) { r.renewed_at = 500'000'000; }), "no chain has"));
  const auto prepared = [&high](std::uint32_t height, std::uint32_t latest, std::uint32_t kept) {
    return high([=](auto& r) { r.prepared = PreparedRecord{height, latest, kept, {}}; });
  };
  CHECK(prepared(110, 2'126, 17) == "");
  CHECK(says(prepared(110, 2'127, 17), "too far apart"));
  CHECK(says(prepared(110, 109, 17), "too far apart"));
  CHECK(says(prepared(0, UINT32_MAX, 17), "too far apart"));
  CHECK(says(prepared(UINT32_MAX - 1, UINT32_MAX, 17), "no chain has"));
  CHECK(says(prepared(110, 110, 500'000'000), "no chain has"));
}

TEST_CASE("an input that txprepare has reserved is told by arithmetic, however far its heights are apart") {
  PreparedRecord prepared{110, 113, 17, {}};
  for (const auto to : {182u, 183u, 185u}) CHECK(prepared.includes(to));
  for (const auto to : {181u, 186u, 199u, 202u, 0u, UINT32_MAX}) CHECK_FALSE(prepared.includes(to));
  prepared.txid = first_input.txid;
  for (const auto to : {182u, 185u, 199u, 202u}) CHECK(prepared.includes(to));
  for (const auto to : {186u, 198u, 203u}) CHECK_FALSE(prepared.includes(to));
  const PreparedRecord hostile{0, UINT32_MAX, 0, first_input.txid};
  for (int i = 0; i < 1000; ++i) (void)hostile.includes(5);  // each was some seconds
}

TEST_CASE("a record's psbt is the bare transaction: nothing in it tells lightningd how to sign") {
  auto bytes = transaction().serialise(0);
  const auto first_map = bytes.end() - 5;  // two inputs and three outputs, each with an empty map
  const util::Bytes sign_nothing{0x01, 0x03, 0x04, 0x82, 0x00, 0x00, 0x00};  // NONE|ANYONECANPAY
  bytes.insert(first_map, sign_nothing.begin(), sign_nothing.end());
  REQUIRE(Psbt::parse(bytes));
  for (const auto& text : {util::to_base64(bytes), transaction().base64(2)}) {
    CHECK(says(wrong_after([&text](Ledger& ledger) { ledger.plan->psbt = util::share(std::string(text)); }),
               "psbt: holds more than its transaction"));
  }
}
