#include "journal/journal_format.hpp"

#include <doctest/doctest.h>

#include "psbt/psbt.hpp"

using bitcoin::Outpoint;
using bitcoin::Sat;
using bitcoin::Txid;
using journal::read_ledger;
using journal::write_ledger;
using ledger::BatchPhase;
using ledger::FundingPlan;
using ledger::Ledger;
using ledger::OpeningRecord;
using ledger::Stage;
using lightningd::NodeId;
using psbt::Psbt;

namespace {

const Outpoint input{*Txid::from_hex(std::string(64, '7')), 3};

NodeId node(char digit) { return *NodeId::from_hex("02" + std::string(64, digit)); }

const util::Bytes change_script = *util::from_hex("5120" + std::string(64, '3'));
const util::Bytes funding_script = *util::from_hex("0020" + std::string(64, '4'));

/// Change, then the channel of the first peer.
Psbt sample_transaction() {
  Psbt psbt = Psbt::spending({input});
  psbt.insert_output(0, {Sat{500'000}, change_script});
  psbt.insert_output(1, {Sat{1'000'000}, funding_script});
  return psbt;
}

/// Two peers; the first has an output in the transaction, the second dropped out.
Ledger sample(BatchPhase phase) {
  Ledger ledger;
  ledger.id = std::string(32, 'a');
  ledger.begun = 1'700'000'000;
  ledger.phase = phase;
  ledger.reservation.blocks = 12;
  ledger.reservation.doubtful_blocks = 133;
  ledger.reservation.heights[input] = 122;
  for (const char digit : {'b', 'c'}) {
    ledger.openings.push_back(std::make_shared<OpeningRecord>());
    ledger.openings.back()->peer = node(digit);
    ledger.openings.back()->planned = Sat{1'000'000};
  }
  if (phase == BatchPhase::completing || phase == BatchPhase::sending) {
    const Psbt psbt = sample_transaction();
    ledger.plan = FundingPlan{psbt.txid(), util::share(psbt.base64(0)), {1, std::nullopt}, change_script};
  }
  return ledger;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE_MESSAGE(at != std::string::npos, text);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("what is written is read again, with every opening in doubt") {
  const auto read = read_ledger(write_ledger(sample(BatchPhase::sending)));
  REQUIRE_MESSAGE(read, read.error().message);
  const Ledger& ledger = **read;
  CHECK(ledger.id == std::string(32, 'a'));
  CHECK(ledger.begun == 1'700'000'000);
  CHECK(ledger.phase == BatchPhase::sending);
  CHECK(ledger.reservation.blocks == 12);
  CHECK(ledger.reservation.doubtful_blocks == 133);
  CHECK(ledger.reservation.heights.at(input) == 122);
  REQUIRE(ledger.plan);
  CHECK(ledger.plan->txid == sample_transaction().txid());
  CHECK(ledger.plan->change == change_script);
  CHECK(ledger.plan->outnums[0] == 1);
  CHECK_FALSE(ledger.plan->outnums[1]);
  REQUIRE(ledger.openings.size() == 2);
  CHECK(ledger.openings[0]->stage == Stage::completing);
  CHECK(ledger.openings[0]->outpoint == Outpoint{ledger.plan->txid, 1});
  CHECK(ledger.openings[1]->stage == Stage::started);
  CHECK_FALSE(ledger.openings[1]->outpoint);
  CHECK(ledger.openings[1]->peer == node('c'));
  CHECK(ledger.openings[1]->planned == Sat{1'000'000});
  CHECK_FALSE(ledger.sending);
  CHECK(write_ledger(ledger) == write_ledger(sample(BatchPhase::sending)));
}

TEST_CASE("a doubted ledger is what its record is read as") {
  for (const auto phase : {BatchPhase::begun, BatchPhase::opening, BatchPhase::completing, BatchPhase::sending}) {
    auto ledger = sample(phase);
    if (phase != BatchPhase::begun) {
      ledger.openings[0]->start_sent(Sat{500'000});
      ledger.openings[0]->start_answered(false, true);
      ledger.openings[0]->start_sent(Sat{600'000});
      ledger.openings[0]->planned = Sat{1'000'000};
      ledger.openings[1]->policy = request::PolicyRecord{{.feeppm = 7}};
    }
    const auto read = read_ledger(write_ledger(ledger));
    REQUIRE_MESSAGE(read, read.error().message);
    const auto doubted = ledger.doubted();
    CHECK(write_ledger(*doubted) == write_ledger(**read));
    CHECK(write_ledger(*doubted) == write_ledger(ledger));
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& one = *doubted->openings[i];
      const auto& other = *(*read)->openings[i];
      CHECK(one.stage == other.stage);
      CHECK(one.outpoint == other.outpoint);
      CHECK(one.batch == other.batch);
      CHECK(one.in_flight == other.in_flight);
      CHECK(one.amount == other.amount);
      CHECK(one.earlier == other.earlier);
    }
    CHECK(doubted->reservation.in_flight() == (*read)->reservation.in_flight());
  }
}

TEST_CASE("a record says whether the channels are withheld") {
  auto ledger = sample(BatchPhase::completing);
  CHECK_FALSE((*read_ledger(write_ledger(ledger)))->plan->withheld);
  ledger.plan->withheld = true;
  CHECK((*read_ledger(write_ledger(ledger)))->plan->withheld);
  CHECK_FALSE(read_ledger(replaced(write_ledger(ledger), R"("withheld":true)", R"("withheld":false)")));
}

TEST_CASE("before anything was reserved there is nothing to undo") {
  auto begun = sample(BatchPhase::begun);
  begun.reservation = {};
  const auto read = read_ledger(write_ledger(begun));
  REQUIRE(read);
  CHECK_FALSE((*read)->reservation.held());
  CHECK((*read)->openings[0]->stage == Stage::none);
}

TEST_CASE("a peer's opening is known by every amount that it may have been told") {
  auto ledger = sample(BatchPhase::opening);
  auto& opening = *ledger.openings[0];
  opening.start_sent(Sat{500'000});
  opening.start_answered(false, true);  // lost: it may be there
  opening.start_sent(Sat{600'000});
  opening.start_answered(false, false);
  CHECK(opening.stage == Stage::starting);
  opening.planned = Sat{700'000};
  const auto read = read_ledger(write_ledger(ledger));
  REQUIRE(read);
  for (const std::uint64_t amount : {500'000, 600'000, 700'000}) {
    CHECK(opening.may_be(Sat{amount}));
    CHECK((*read)->openings[0]->may_be(Sat{amount}));
  }
  CHECK_FALSE((*read)->openings[0]->may_be(Sat{800'000}));
  opening.gone();
  CHECK_FALSE(opening.may_be(Sat{500'000}));
}

TEST_CASE("a record keeps the policies that are still to be set") {
  auto ledger = sample(BatchPhase::sending);
  lightningd::ChannelPolicy wanted;
  wanted.feebase = bitcoin::Msat{1'000};
  wanted.feeppm = 250;
  wanted.htlcmin = bitcoin::Msat{5};
  wanted.htlcmax = bitcoin::Msat{900'000'000};
  for (auto& opening : ledger.openings) opening->policy = request::PolicyRecord{wanted};
  const auto read = read_ledger(write_ledger(ledger));
  REQUIRE_MESSAGE(read, read.error().message);
  REQUIRE((*read)->openings[0]->policy);
  CHECK((*read)->openings[0]->policy->wanted == wanted);
  CHECK((*read)->openings[0]->policy->state == request::PolicyRecord::State::pending);
  // Not before the transaction was sent, and only for who is in it.
  CHECK_FALSE((*read)->any_policy_pending());
  (*read)->sending = (*read)->plan->txid;
  CHECK((*read)->policy_pending(0));
  CHECK_FALSE((*read)->policy_pending(1));

  ledger.openings[0]->policy->answered(std::vector<std::string>());
  const auto again = read_ledger(write_ledger(ledger));
  REQUIRE(again);
  CHECK_FALSE((*again)->openings[0]->policy);

  const auto text = write_ledger(ledger);
  CHECK_FALSE(read_ledger(replaced(text, "\"feeppm\":250", "\"feeppm\":\"a lot\"")));
  CHECK_FALSE(read_ledger(replaced(text, "\"feeppm\":250", "\"feeppm\":4294967296")));
}

TEST_CASE("a record keeps the memos of its destinations, and one of an earlier version has none") {
  Ledger ledger = sample(BatchPhase::sending);
  const auto without = write_ledger(ledger);
  CHECK(without.find("memo") == std::string::npos);
  CHECK((*read_ledger(without))->openings[0]->memo == "");
  ledger.openings[1]->memo = "for \"A\", \xC3\xA4";
  const auto text = write_ledger(ledger);
  const auto read = read_ledger(text);
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK((*read)->openings[0]->memo == "");
  CHECK((*read)->openings[1]->memo == ledger.openings[1]->memo);
  CHECK(write_ledger(**read) == text);
  CHECK(ledger.doubted()->openings[1]->memo == ledger.openings[1]->memo);
  for (const auto& bad : std::vector<std::string>{R"("")", R"("a\nb")", "7", '"' + std::string(101, 'x') + '"'}) {
    CHECK_FALSE(read_ledger(replaced(text,
                                     R"("for \"A\", )"
                                     "\xC3\xA4\"",
                                     bad)));
  }
}

TEST_CASE("a record keeps what makes its transaction impossible") {
  const auto spending = [](const std::vector<Outpoint>& inputs, std::size_t outputs) {
    auto psbt = Psbt::spending(inputs);
    for (std::size_t i = 0; i < outputs; ++i) psbt.insert_output(i, {Sat{1'490'000}, change_script});
    return psbt;
  };
  const auto with = [](const Psbt& psbt, BatchPhase phase = BatchPhase::sending) {
    auto ledger = sample(phase);
    ledger.abort = ledger::AbortRecord{psbt.txid(), {}, Sat{10'000}, util::share(psbt.base64(0))};
    for (const auto& one : psbt.inputs()) ledger.abort->inputs.push_back(one.outpoint);
    return write_ledger(ledger);
  };
  const auto right = spending({input}, 1);
  const auto read = read_ledger(with(right));
  REQUIRE_MESSAGE(read, read.error().message);
  REQUIRE((*read)->abort);
  CHECK((*read)->abort->txid == right.txid());
  CHECK((*read)->abort->inputs == std::vector{input});
  CHECK_FALSE((*read)->abort->is_script_ours);
  CHECK((*read)->abort->fee == Sat{10'000});
  CHECK(write_ledger(**read) == with(right));

  // As it was written before, when an abort had one input only.
  const auto name = "\"" + input.str() + "\"";
  const auto before = replaced(with(right), "\"inputs\":[" + name + "]", "\"input\":" + name);
  const auto old = read_ledger(before);
  REQUIRE_MESSAGE(old, old.error().message);
  CHECK((*old)->abort->inputs == std::vector{input});
  CHECK(write_ledger(**old) == with(right));
  CHECK_FALSE(read_ledger(replaced(with(right), "\"inputs\":[" + name + "]", "\"inputs\":[]")));
  CHECK_FALSE(
      read_ledger(replaced(with(right), "\"inputs\":[" + name + "]", "\"inputs\":[" + name + "," + name + "]")));

  const Outpoint other{input.txid, 4};
  CHECK_FALSE(read_ledger(with(right, BatchPhase::completing)));
  CHECK_FALSE(read_ledger(with(spending({other}, 1))));
  CHECK_FALSE(read_ledger(with(spending({input, other}, 1))));
  CHECK_FALSE(read_ledger(with(spending({input}, 2))));
  CHECK_FALSE(read_ledger(with(spending({input}, 0))));
  CHECK_FALSE(read_ledger(replaced(with(right), "\"fee_sat\":10000", "\"fee_sat\":\"much\"")));
  CHECK_FALSE(read_ledger(replaced(with(right), right.txid().hex(), std::string(64, '1'))));
}

TEST_CASE("a record knows a transaction of txprepare, with its txid or before it is known") {
  auto ledger = sample(BatchPhase::begun);
  ledger.reservation.blocks = ledger.reservation.doubtful_blocks = 0;
  ledger.reservation.prepared = ledger::PreparedRecord{110, 113, 17, {}};
  const auto before = read_ledger(write_ledger(ledger));
  REQUIRE_MESSAGE(before, before.error().message);
  REQUIRE((*before)->reservation.prepared);
  CHECK((*before)->reservation.prepared->height == 110);
  CHECK((*before)->reservation.prepared->latest == 113);
  CHECK((*before)->reservation.prepared->kept == 17);
  CHECK_FALSE((*before)->reservation.prepared->txid);
  CHECK((*before)->reservation.held());

  ledger.reservation.prepared->txid = input.txid;
  const auto text = write_ledger(ledger);
  const auto after = read_ledger(text);
  REQUIRE(after);
  CHECK((*after)->reservation.prepared->txid == input.txid);
  CHECK_FALSE(read_ledger(replaced(text, "\"kept\":17", "\"kept\":\"x\"")));
  CHECK_FALSE(read_ledger(replaced(text, "\"txid\":\"77", "\"txid\":\"7\",\"x\":\"7")));
}

TEST_CASE("inputs that are reserved again are known by the height at that time") {
  auto ledger = sample(BatchPhase::opening);
  ledger.reservation.announce_renewal({input}, 200, 0);
  const auto read = read_ledger(write_ledger(ledger));
  REQUIRE(read);
  const auto& reservation = (*read)->reservation;
  for (const auto ours : {212u, 213u, 345u, 346u}) CHECK(reservation.explains(input, ours));
  for (const auto other : {122u, 255u, 211u, 214u, 344u, 347u}) CHECK_FALSE(reservation.explains(input, other));
  CHECK_FALSE(reservation.explains({input.txid, 4}, 212));
  for (const auto now : {212u, 213u}) CHECK(reservation.explains_now(input, now));
  CHECK_FALSE(reservation.explains_now(input, 255));
  CHECK_FALSE(reservation.explains_now(input, 345));
}

TEST_CASE("an extension moves the height, and what sendpsbt may have added can still be taken back") {
  ledger::ReservationRecord record;
  record.sent_blocks = 2016;
  record.heights[input] = 122;
  record.extended(input, 122 + 133, 133);
  CHECK(record.heights[input] == 255);
  record.extended(input, 255 + 2016 + 133, 133);
  CHECK(record.heights[input] == 388);
  record.extended(input, 700, 133);  // reserved again meanwhile
  CHECK(record.heights[input] == 700);
}

TEST_CASE("a sendpsbt that was cut short may have added its blocks, any number of times") {
  auto ledger = sample(BatchPhase::sending);
  ledger.reservation.sent_blocks = 2016;
  const auto read = read_ledger(write_ledger(ledger));
  REQUIRE(read);
  const auto& reservation = (*read)->reservation;
  for (const auto ours : {122u, 255u, 122u + 2016, 255u + 2 * 2016}) CHECK(reservation.explains(input, ours));
  for (const auto other : {121u, 122u + 2015, 255u + 72}) CHECK_FALSE(reservation.explains(input, other));
}

TEST_CASE("a broken record is refused, whatever is broken") {
  const auto text = write_ledger(sample(BatchPhase::sending));
  const std::pair<const char*, const char*> breaks[] = {
      {"\"version\":2", "\"x\":2"},
      {"\"version\":2", "\"version\":1"},
      {"\"version\":2", "\"version\":3"},
      {"\"batch\":", "\"x\":"},
      {"\"begun\":1700000000", "\"begun\":\"now\""},
      {"\"sending\"", "\"guessing\""},
      {"\"blocks\":12", "\"blocks\":-12"},
      {"\"more_blocks\":133", "\"more_blocks\":null"},
      {"\"inputs\":", "\"x\":"},
      {":3\":122", ":3\":\"122\""},
      {"7777:3\"", "7777:x\""},
      {"\"destinations\":", "\"x\":"},
      {"\"id\":\"02", "\"id\":\"05"},
      {"\"sat\":1000000", "\"sat\":1.5"},
      {"\"outnum\":1", "\"outnum\":\"1\""},
      {"\"psbt\":", "\"x\":"},
      {"\"txid\":\"", "\"txid\":\"ff"},
      {"\"psbt\":\"cHNi", "\"psbt\":\"AAAA"},
  };
  for (const auto& [what, by] : breaks) {
    CAPTURE(what);
    CHECK_FALSE(read_ledger(replaced(text, what, by)));
  }
  CHECK_FALSE(read_ledger(text.substr(0, text.size() - 1)));
  CHECK_FALSE(read_ledger(""));
  CHECK_FALSE(read_ledger("[]"));
}
