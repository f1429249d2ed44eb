#include "journal/payment_format.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "bitcoin/address.hpp"
#include "journal/journal_format.hpp"
#include "record_sample.hpp"

using bitcoin::Sat;
using ledger::Ledger;
using ledger::PaymentRecord;

namespace {

const std::string payment_address = *bitcoin::segwit_address(record_sample::foreign_script, "regtest");

/// The sample with a payment beside its channels, and its change.
Ledger paying() {
  auto ledger = record_sample::ledger();
  auto psbt = record_sample::transaction();
  psbt.insert_output(3, {Sat{70'000}, record_sample::foreign_script});
  record_sample::plan(ledger, psbt);
  ledger.plan->payments.push_back(
      PaymentRecord{payment_address, record_sample::foreign_script, Sat{70'000}, "rent \"7\"", 3});
  return ledger;
}

/// What is wrong with the record after this; "" for nothing.
std::string wrong_payments(const std::function<void(Ledger&)>& change) {
  auto ledger = paying();
  change(ledger);
  const auto read = journal::read_ledger(journal::write_ledger(ledger));
  return read ? "" : read.error().message;
}

bool contains(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("a record keeps the payments of its transaction, and reads as it was written") {
  const auto text = journal::write_ledger(paying());
  const auto read = journal::read_ledger(text);
  REQUIRE_MESSAGE(read, read.error().message);
  const auto& payments = (*read)->plan->payments;
  REQUIRE(payments.size() == 1);
  CHECK(payments[0].address == payment_address);
  CHECK(payments[0].script == record_sample::foreign_script);
  CHECK(payments[0].amount == Sat{70'000});
  CHECK(payments[0].label == "rent \"7\"");
  CHECK(payments[0].outnum == 3);
  CHECK(journal::write_ledger(**read) == text);
  CHECK(journal::write_ledger(*paying().doubted()) == text);
}

TEST_CASE("a record without payments is what it was before there were any") {
  CHECK_FALSE(contains(journal::write_ledger(record_sample::ledger()), "\"outputs\""));
  CHECK(journal::read_ledger(journal::write_ledger(record_sample::ledger())).ok());
}

TEST_CASE("each payment of a record has an output of its own, exactly") {
  const auto with = [](const std::function<void(PaymentRecord&)>& change) {
    return wrong_payments([&change](Ledger& ledger) { change(ledger.plan->payments[0]); });
  };
  CHECK(with([](PaymentRecord&) {}) == "");
  CHECK(contains(with([](PaymentRecord& p) { p.amount = Sat{69'999}; }), "outputs: pays another amount"));
  CHECK(contains(with([](PaymentRecord& p) { p.outnum = 4; }), "outputs: the psbt has no such output"));
  CHECK(contains(with([](PaymentRecord& p) { p.outnum = 1; }), "outputs: the psbt does not pay to"));
  CHECK(contains(with([](PaymentRecord& p) { p.outnum = 0; }), "outputs: one output is for two"));
  CHECK(contains(with([](PaymentRecord& p) { p.outnum = 70'000; }), "outnum: too large"));
  CHECK(contains(with([](PaymentRecord& p) { p.address = "x"; }), "outputs[0].address: is not an address"));
  CHECK(contains(
      with([](PaymentRecord& p) { p.address = *bitcoin::segwit_address(record_sample::change_script, "regtest"); }),
      "outputs: the psbt does not pay to"));
  CHECK(contains(wrong_payments([](Ledger& ledger) { ledger.plan->payments.push_back(ledger.plan->payments[0]); }),
                 "outputs: pays twice to"));
  // What is not on record is nobody's.
  CHECK(contains(wrong_payments([](Ledger& ledger) { ledger.plan->payments.clear(); }), "an output that is nobody's"));
  CHECK(contains(wrong_payments([](Ledger& ledger) {
                   auto psbt = record_sample::transaction();
                   ledger.plan->payments[0].outnum = 0;
                   psbt.remove_output(2);
                   psbt.remove_output(0);
                   psbt.insert_output(0, {Sat{70'000}, record_sample::foreign_script});
                   const auto payments = ledger.plan->payments;
                   record_sample::plan(ledger, psbt, {{}, {}, {}});
                   ledger.plan->payments = payments;
                 }),
                 "outnum: no channel has one"));
}
