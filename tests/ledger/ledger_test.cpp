#include "ledger/ledger.hpp"

#include <doctest/doctest.h>

#include "ledger/book.hpp"
#include "ledger/told_in_vain.hpp"

using bitcoin::Outpoint;
using bitcoin::Sat;
using bitcoin::Txid;
using ledger::Book;
using ledger::Ledger;
using ledger::OpeningRecord;
using ledger::Stage;

namespace {

Txid txid(std::uint8_t fill) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(fill);
  return Txid::from_bytes(bytes);
}

}  // namespace

TEST_CASE("an effect is recorded when its call is sent, not when it is answered") {
  OpeningRecord record;
  CHECK(record.stage == Stage::none);
  record.start_sent(Sat{1000});
  CHECK(record.stage == Stage::starting);
  CHECK(record.in_flight);
  record.start_answered(true, false);
  CHECK(record.stage == Stage::started);
  CHECK_FALSE(record.in_flight);
  record.complete_sent(Outpoint{txid(1), 2});
  CHECK(record.stage == Stage::completing);
  record.complete_answered(true, false);
  CHECK(record.stage == Stage::completed);
  record.gone();
  CHECK(record.stage == Stage::none);
  CHECK_FALSE(record.outpoint.has_value());
}

TEST_CASE("what txprepare, and then we, have reserved is known by its height") {
  const Outpoint input{txid(1), 0};
  ledger::ReservationRecord record;
  record.heights[input] = 100;
  record.prepared = ledger::PreparedRecord{100, 101, 12, {}};
  CHECK(record.most_blocks() == 84);
  // Before it has answered nothing was added or taken away; a block may have come before it was carried out.
  for (const auto ours : {172u, 173u}) CHECK(record.explains(input, ours));
  for (const auto other : {100u, 112u, 113u, 171u, 174u, 184u, 185u}) CHECK_FALSE(record.explains(input, other));
  CHECK_FALSE(record.explains(Outpoint{txid(2), 0}, 172));

  record.prepared->txid = txid(3);
  for (const auto ours : {172u, 173u, 184u, 185u, 112u, 113u}) CHECK(record.explains(input, ours));
  for (const auto other : {111u, 114u, 171u, 174u, 183u, 186u}) CHECK_FALSE(record.explains(input, other));
  for (const auto its : {172u, 173u, 184u, 185u}) CHECK(record.prepared->includes(its));
  CHECK_FALSE(record.prepared->includes(112));

  record.released();
  CHECK_FALSE(record.prepared);
  CHECK(record.most_blocks() == 0);
}

// Another batch's txprepare may have chosen the same coin meanwhile.
TEST_CASE("a txprepare that is announced and not sent has reserved nothing") {
  const Outpoint input{txid(1), 0};
  ledger::ReservationRecord record;
  record.heights[input] = 100;
  record.prepared = ledger::PreparedRecord{100, 101, 12, {}, false};
  for (const auto height : {100u, 112u, 172u, 184u}) CHECK_FALSE(record.explains(input, height));
  record.prepared->asked = true;
  CHECK(record.explains(input, 172));
}

TEST_CASE("a refusal of start leaves nothing; a lost connection leaves doubt") {
  OpeningRecord record;
  record.start_sent(Sat{1000});
  record.start_answered(false, false);
  CHECK(record.stage == Stage::none);
  record.start_sent(Sat{1000});
  record.start_answered(false, true);
  CHECK(record.stage == Stage::starting);
}

TEST_CASE("an error of complete may leave the opening, or a channel: the outpoint is remembered") {
  OpeningRecord record;
  record.start_sent(Sat{1000});
  record.start_answered(true, false);
  record.complete_sent(Outpoint{txid(1), 0});
  record.complete_answered(false, false);
  CHECK(record.stage == Stage::started);
  CHECK(record.outpoint.has_value());
}

TEST_CASE("who waits for an answer hears of it once") {
  OpeningRecord record;
  int heard = 0;
  record.start_sent(Sat{1000});
  record.when_answered([&heard] { ++heard; });
  record.start_answered(true, false);
  record.complete_sent(Outpoint{txid(1), 0});
  record.complete_answered(true, false);
  CHECK(heard == 1);
}

TEST_CASE("of two openings with a peer the later one is what lightningd shows") {
  Book book;
  const auto first = std::make_shared<OpeningRecord>();
  const auto second = std::make_shared<OpeningRecord>();
  first->batch = "a";
  second->batch = "b";
  book.add(first);
  book.add(second);
  first->start_sent(Sat{1000});
  first->start_answered(true, false);
  CHECK_FALSE(book.belongs_to_another(*first, Sat{1000}));
  second->start_sent(Sat{1000});
  CHECK_FALSE(book.belongs_to_another(*first, Sat{1000}));  // not accepted yet
  second->start_answered(true, false);
  CHECK(book.belongs_to_another(*first, Sat{1000}));
  CHECK_FALSE(book.belongs_to_another(*second, Sat{1000}));
  CHECK_FALSE(book.belongs_to_another(*first, Sat{2000}));  // the second's answer may have come late
  second->gone();
  CHECK_FALSE(book.belongs_to_another(*first, Sat{1000}));
}

TEST_CASE("a batch's own record is never another's, even in a copy that settles it") {
  Book book;
  const auto original = std::make_shared<OpeningRecord>();
  original->batch = "a";
  book.add(original);
  OpeningRecord copy;
  copy.batch = "a";
  original->start_sent(Sat{1000});
  CHECK_FALSE(book.another_is_starting(copy));
  original->start_answered(true, false);
  CHECK_FALSE(book.belongs_to_another(copy, Sat{1000}));
  OpeningRecord other;
  other.batch = "b";
  CHECK(book.belongs_to_another(other, Sat{1000}));
  original->start_sent(Sat{1000});
  CHECK(book.another_is_starting(other));
}

TEST_CASE("a peer is involved as long as a batch has it") {
  Book book;
  auto record = std::make_shared<OpeningRecord>();
  CHECK_FALSE(book.involves(record->peer));
  const auto peer = record->peer;
  book.add(record);
  CHECK(book.involves(peer));
  record.reset();
  CHECK_FALSE(book.involves(peer));
}

TEST_CASE("once sendpsbt was sent, the transaction's channels may not be undone") {
  Ledger ledger;
  OpeningRecord in_transaction;
  in_transaction.start_sent(Sat{1000});
  in_transaction.complete_sent(Outpoint{txid(1), 0});
  OpeningRecord dropped;
  dropped.start_sent(Sat{1000});
  CHECK(ledger.may_undo(in_transaction));
  ledger.sending = txid(1);
  CHECK_FALSE(ledger.may_undo(in_transaction));
  CHECK(ledger.may_undo(dropped));
  ledger.sending.reset();
  CHECK(ledger.may_undo(in_transaction));
}

TEST_CASE("a doubted ledger has every opening that may be there, and nothing in flight") {
  Ledger batch;
  batch.id = "a";
  batch.phase = ledger::BatchPhase::completing;
  batch.plan = ledger::FundingPlan{txid(1), {}, {std::nullopt, 2}, {}, true, true};
  batch.sending = txid(1);
  batch.sendpsbt_sent();
  batch.abort = ledger::AbortRecord{txid(9), {}, Sat{5}, {}, true};
  for (int i = 0; i < 2; ++i) batch.openings.push_back(std::make_shared<OpeningRecord>());
  auto& lost = *batch.openings[0];
  lost.start_sent(Sat{1000});
  lost.start_answered(false, true);
  lost.start_sent(Sat{2000});
  lost.plans(Sat{3000});
  auto& undone = *batch.openings[1];
  undone.start_sent(Sat{4000});
  undone.start_answered(true, false);
  undone.missed_deadline();
  undone.gone();
  undone.policy = request::PolicyRecord{{.feeppm = 7}};
  undone.policy->attempts = 3;

  const auto copy = batch.doubted();
  CHECK(copy->id == "a");
  CHECK(copy->phase == batch.phase);
  CHECK(copy->plan->withheld);
  CHECK_FALSE(copy->plan->is_change_ours);
  CHECK(copy->sending == txid(1));
  CHECK_FALSE(copy->may_still_be_sent({}));
  CHECK(copy->abort->fee == Sat{5});
  CHECK_FALSE(copy->abort->is_script_ours);
  REQUIRE(copy->openings.size() == 2);
  const auto& first = *copy->openings[0];
  CHECK(first.stage == Stage::started);
  CHECK_FALSE(first.in_flight);
  CHECK_FALSE(first.doubtful);
  CHECK_FALSE(first.outpoint);
  CHECK(first.batch == "a");
  CHECK(first.label == ledger::label_of(first, 0));
  for (const std::uint64_t amount : {1000, 2000, 3000}) CHECK(first.may_be(Sat{amount}));
  CHECK_FALSE(first.may_be(Sat{4000}));
  const auto& second = *copy->openings[1];
  CHECK(second.stage == Stage::completing);
  CHECK(second.outpoint == Outpoint{txid(1), 2});
  CHECK(second.accepted == undone.accepted);
  CHECK(second.accepted > 0);
  CHECK_FALSE(second.silent);
  CHECK(second.policy->wanted.feeppm == 7);
  CHECK(second.policy->attempts == 0);
  // The ledger itself is as before.
  CHECK(lost.in_flight);
  CHECK(undone.stage == Stage::none);

  undone.policy->state = request::PolicyRecord::State::applied;
  CHECK_FALSE(batch.doubted()->openings[1]->policy);
}

TEST_CASE("a doubted ledger of a batch that had only begun has no opening to undo") {
  Ledger batch;
  batch.openings.push_back(std::make_shared<OpeningRecord>());
  CHECK(batch.doubted()->openings[0]->stage == Stage::none);
}

TEST_CASE("a doubted reservation is the same one, with no call in flight") {
  const Outpoint first{txid(1), 0};
  const Outpoint second{txid(2), 0};
  Ledger batch;
  auto& reservation = batch.reservation;
  reservation.sent();
  reservation.since = 4;
  reservation.blocks = 12;
  reservation.doubtful_blocks = 133;
  reservation.sent_blocks = 2016;
  reservation.renewed_at = 100;
  reservation.prepared = ledger::PreparedRecord{100, 101, 7, txid(3), false};
  reservation.heights[first] = 112;
  auto copy = batch.doubted()->reservation.doubted();
  CHECK_FALSE(copy.in_flight());
  CHECK_FALSE(copy.freed);
  CHECK(copy.since == 4);
  CHECK(copy.most_blocks() == reservation.most_blocks());
  CHECK(copy.blocks == 12);
  CHECK(copy.sent_blocks == 2016);
  CHECK(copy.renewed_at == 100);
  CHECK(copy.prepared->kept == 7);
  CHECK(copy.prepared->txid == txid(3));
  CHECK(copy.prepared->asked);
  CHECK(copy.heights == reservation.heights);

  copy.renewed_at = 120;
  copy.blocks = 20;
  copy.heights = {{first, 140}, {second, 141}};
  copy.renewed_since = {{first, 9}};
  reservation.take_renewed(copy);
  CHECK(reservation.renewed_at == 120);
  CHECK(reservation.blocks == 20);
  CHECK(reservation.doubtful_blocks == 133);
  CHECK(reservation.in_flight());
  CHECK(reservation.heights == decltype(reservation.heights){{first, 140}, {second, 141}});
  CHECK(reservation.asked_since(first) == 9);

  // What an answer has told since about an input that was not reserved again stays.
  reservation.heights[second] = 273;
  reservation.take_renewed(copy);
  CHECK(reservation.heights.at(second) == 273);
}

TEST_CASE("a copy with another reservation has the same openings") {
  Ledger batch("a", 7);
  batch.openings.push_back(std::make_shared<OpeningRecord>());
  batch.reservation.claim({Outpoint{txid(1), 0}, Outpoint{txid(1), 1}}, 12);
  const auto copy = batch.with(batch.reservation.without({Outpoint{txid(1), 0}}));
  CHECK(copy->id == "a");
  CHECK(copy->begun == 7);
  CHECK(copy->openings == batch.openings);
  CHECK(copy->reservation.inputs() == std::vector{Outpoint{txid(1), 1}});
  CHECK(batch.reservation.inputs().size() == 2);
}

TEST_CASE("a sendpsbt whose answer is lost may be carried out until some time after the next look") {
  using std::chrono::milliseconds;
  Ledger batch;
  CHECK_FALSE(batch.may_still_be_sent(milliseconds(0)));
  batch.sendpsbt_sent();
  CHECK(batch.may_still_be_sent(milliseconds(1'000)));
  batch.sendpsbt_answered(true);
  CHECK(batch.may_still_be_sent(milliseconds(1'000'000)));
  batch.looked_at(milliseconds(5'000), milliseconds(100));
  batch.looked_at(milliseconds(5'050), milliseconds(100));  // only the first look counts
  CHECK(batch.may_still_be_sent(milliseconds(5'099)));
  CHECK_FALSE(batch.may_still_be_sent(milliseconds(5'100)));
}

// --- Peers that were told a transaction which was never sent ---

namespace {

lightningd::NodeId node(unsigned number) {
  auto hex = std::to_string(number);
  hex.insert(0, 64 - hex.size(), '0');
  return *lightningd::NodeId::from_hex("02" + hex);
}

}  // namespace

TEST_CASE("what was told before the height is known is forgotten 2,016 blocks after it") {
  ledger::ToldInVain told;
  int changes = 0;
  told.when_changed([&changes] { ++changes; });
  told.add(node(1), {txid(1), 0});
  REQUIRE(told.find(node(1)) != nullptr);
  CHECK_FALSE(told.find(node(1))->until());
  told.set_height(100);
  CHECK(told.find(node(1))->until() == 2'116);
  CHECK(changes == 2);
  told.set_height(2'115);
  CHECK(told.find(node(1)) != nullptr);
  CHECK(changes == 2);
  told.set_height(2'116);
  CHECK(told.find(node(1)) == nullptr);
  CHECK(changes == 3);
}

TEST_CASE("of more than a thousand peers that were told in vain the oldest is left out") {
  ledger::ToldInVain told;
  for (unsigned i = 0; i < ledger::ToldInVain::most; ++i) {
    told.set_height(i == 500 ? 10 : 20);
    told.add(node(i), {txid(1), i});
  }
  CHECK(told.all().size() == ledger::ToldInVain::most);
  told.set_height(30);
  told.add(node(5'000), {txid(2), 0});
  CHECK(told.all().size() == ledger::ToldInVain::most);
  CHECK(told.find(node(5'000)) != nullptr);
  CHECK(told.find(node(500)) == nullptr);
  CHECK(told.find(node(499)) != nullptr);
}
