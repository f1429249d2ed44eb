#include "sending/evidence.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "bitcoin/address.hpp"
#include "journal/record_sample.hpp"
#include "sending/found_channels.hpp"
#include "sending/result.hpp"
#include "sending/send_psbt.hpp"
#include "sim/raw_psbt.hpp"

using bitcoin::Outpoint;
using bitcoin::Sat;
using ledger::Ledger;
using lightningd::PeerChannel;
using psbt::Psbt;
using record_sample::plan;
using record_sample::transaction;
using sending::Evidence;

namespace {

constexpr auto withheld = Evidence::Channels::withheld;
constexpr auto either = Evidence::Channels::withheld_or_released;

using Channels = std::vector<PeerChannel>;

/// As lightningd shows those of the ledger.
Channels channels_of(const Ledger& ledger) {
  const auto psbt = Psbt::from_base64(*ledger.plan->psbt);
  Channels channels;
  for (std::size_t i = 0; i < ledger.openings.size(); ++i) {
    const auto funding = ledger.outpoint_of(i);
    if (!funding || funding->vout >= psbt->outputs().size()) continue;
    PeerChannel channel;
    channel.peer = ledger.openings[i]->peer;
    channel.state = lightningd::ChannelState::awaiting_lockin;
    channel.funding = funding;
    channel.total = psbt->outputs()[funding->vout].amount;
    channel.opened_by_us = channel.withheld = true;
    channels.push_back(channel);
  }
  return channels;
}

/// "" when it may be signed.
std::string refusal(const Ledger& ledger, const Channels& channels, Evidence::Channels stand = withheld) {
  const auto checked = Evidence(ledger, ledger.plan->psbt).check(channels, stand);
  return checked ? "" : checked.error().message;
}

std::string refusal_after(const std::function<void(Ledger&)>& change) {
  auto ledger = record_sample::ledger();
  change(ledger);
  return refusal(ledger, channels_of(ledger));
}

std::string refusal_with(const std::function<void(PeerChannel&)>& change, Evidence::Channels stand = withheld) {
  const auto ledger = record_sample::ledger();
  auto channels = channels_of(ledger);
  change(channels[1]);
  return refusal(ledger, channels, stand);
}

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("a transaction may be signed that spends the batch's coins for its channels and the wallet") {
  const auto ledger = record_sample::ledger();
  auto channels = channels_of(ledger);
  REQUIRE(channels.size() == 2);
  CHECK(refusal(ledger, channels) == "");
  channels.insert(channels.begin(), PeerChannel());  // another's
  CHECK(refusal(ledger, channels) == "");
}

TEST_CASE("nothing is signed unless lightningd shows each channel, as ours and as it should be") {
  const auto lacks = [](const std::string& text) { return says(text, "no channel of ours that its output 2 funds"); };
  const auto ledger = record_sample::ledger();
  CHECK(says(refusal(ledger, {}), "no channel of ours that its output 0 funds"));
  auto channels = channels_of(ledger);
  channels.pop_back();
  CHECK(lacks(refusal(ledger, channels)));
  CHECK(lacks(refusal_with([](PeerChannel& c) { c.opened_by_us = false; })));
  CHECK(lacks(refusal_with([](PeerChannel& c) { c.peer = record_sample::node('d'); })));
  CHECK(lacks(refusal_with([](PeerChannel& c) { c.total = Sat{1'999'999}; })));
  CHECK(lacks(refusal_with([](PeerChannel& c) { c.total.reset(); })));
  CHECK(lacks(refusal_with([](PeerChannel& c) { c.funding->vout = 1; })));
  CHECK(lacks(refusal_with([](PeerChannel& c) { c.funding->txid = record_sample::first_input.txid; })));
  CHECK(lacks(refusal_with([](PeerChannel& c) { c.funding.reset(); })));
  for (const auto* state : {"AWAITING_UNILATERAL", "CLOSINGD_COMPLETE", "DUALOPEND_AWAITING_LOCKIN", "OPENINGD", ""}) {
    CHECK(lacks(refusal_with([state](PeerChannel& c) { c.state = lightningd::channel_state_named(state); })));
  }
  // One without confirmations is in use at once.
  CHECK(refusal_with([](PeerChannel& c) { c.state = lightningd::ChannelState::normal; }) == "");
}

TEST_CASE("a channel that is not withheld will do where an earlier sendpsbt, or an old lightningd, explains it") {
  const auto released = [](PeerChannel& c) {
    c.withheld = false;
    c.released = true;
  };
  CHECK(refusal_with(released) != "");
  CHECK(refusal_with(released, either) == "");
  CHECK(refusal_with([](PeerChannel& c) { c.withheld = false; }, either) == "");
  CHECK(refusal_with([](PeerChannel&) {}, either) == "");
}

TEST_CASE("nothing is signed that pays anybody else") {
  const auto paying = [](std::size_t at, bitcoin::Sat amount, const util::Bytes& script) {
    return refusal_after([&](Ledger& ledger) {
      auto psbt = transaction();
      psbt.remove_output(at);
      psbt.insert_output(at, {amount, script});
      plan(ledger, psbt);
    });
  };
  CHECK(says(paying(1, Sat{500'000}, record_sample::foreign_script), "output 1 pays neither"));
  CHECK(paying(1, Sat{400'000}, record_sample::change_script) == "");
  CHECK(says(refusal_after([](Ledger& ledger) {
               auto psbt = transaction();
               psbt.insert_output(3, {Sat{1'000}, record_sample::foreign_script});
               plan(ledger, psbt);
             }),
             "output 3 pays neither"));
  CHECK(says(refusal_after([](Ledger& ledger) { ledger.plan->change.reset(); }), "output 1 pays neither"));
  CHECK(says(refusal_after([](Ledger& ledger) { plan(ledger, transaction(), {0, 0, {}}); }), "output 0 pays neither"));
}

TEST_CASE("nothing is signed that funds no channel") {
  CHECK(says(refusal_after([](Ledger& ledger) {
               auto psbt = Psbt::spending({record_sample::first_input, record_sample::second_input});
               psbt.insert_output(0, {Sat{3'500'000}, record_sample::change_script});
               plan(ledger, psbt, {{}, {}, {}});
             }),
             "it funds no channel"));
  CHECK(says(refusal_after([](Ledger& ledger) {
               plan(ledger, Psbt::spending({record_sample::first_input, record_sample::second_input}), {{}, {}, {}});
             }),
             "it funds no channel"));
}

TEST_CASE("nothing is signed that spends other coins than those that are reserved for it") {
  const auto wrong = [](const std::string& text) { return says(text, "what is reserved for it"); };
  const Outpoint other{record_sample::first_input.txid, 9};
  CHECK(wrong(refusal_after([&](Ledger& ledger) { ledger.reservation.heights[other] = 255; })));
  CHECK(wrong(refusal_after([](Ledger& ledger) { ledger.reservation.heights.erase(record_sample::first_input); })));
  CHECK(wrong(refusal_after([](Ledger& ledger) { ledger.reservation.released(); })));
  CHECK(wrong(refusal_after([&](Ledger& ledger) {
    ledger.reservation.heights.erase(record_sample::first_input);
    ledger.reservation.heights[other] = 255;
  })));
}

TEST_CASE("nothing is signed before its time, nor another transaction than the one of the record") {
  const auto wrong = [](const std::string& text) { return says(text, "not the one of the record"); };
  CHECK(wrong(refusal_after([](Ledger& ledger) { ledger.phase = ledger::BatchPhase::completing; })));
  const auto ledger = record_sample::ledger();
  auto psbt = transaction();
  psbt.set_output_amount(1, Sat{499'999});
  const auto check = [&ledger](const std::string& text) {
    return Evidence(ledger, util::share(std::string(text))).check(channels_of(ledger), withheld);
  };
  CHECK(check(transaction().base64(0)));
  CHECK(check(transaction().base64(2)));
  CHECK_FALSE(check(psbt.base64(0)));
  CHECK_FALSE(check("no PSBT"));
  auto without = record_sample::ledger();
  const auto text = without.plan->psbt;
  without.plan.reset();
  CHECK_FALSE(Evidence(without, text).check({}, withheld));
}

TEST_CASE("a transaction pays the change once") {
  CHECK(says(refusal_after([](Ledger& ledger) {
               auto psbt = transaction();
               psbt.insert_output(3, {Sat{1'000}, record_sample::change_script});
               plan(ledger, psbt);
             }),
             "output 3 pays the change again"));
}

TEST_CASE("a channel that a peer has opened is none of the transaction's, whatever outpoint it names") {
  const auto ledger = record_sample::ledger();
  auto channels = channels_of(ledger);
  PeerChannel twin = channels[1];
  twin.opened_by_us = twin.withheld = false;
  twin.released = true;
  channels.push_back(twin);
  CHECK(sending::all_withheld(channels, ledger.plan->txid));
  CHECK(sending::ready_channels({twin}, false).empty());
  channels.back().opened_by_us = true;
  CHECK_FALSE(sending::all_withheld(channels, ledger.plan->txid));
}

namespace {

const std::string foreign_address = *bitcoin::segwit_address(record_sample::foreign_script, "regtest");

/// The sample, which also pays somebody else as the caller has asked for.
Ledger paying() {
  auto ledger = record_sample::ledger();
  auto psbt = transaction();
  psbt.insert_output(1, {Sat{70'000}, record_sample::foreign_script});
  plan(ledger, psbt, {0, 3, {}});
  ledger.plan->payments.push_back({foreign_address, record_sample::foreign_script, Sat{70'000}, "rent", 1});
  return ledger;
}

std::string refusal_of_payment(const std::function<void(ledger::PaymentRecord&)>& change) {
  auto ledger = paying();
  change(ledger.plan->payments[0]);
  return refusal(ledger, channels_of(ledger));
}

}  // namespace

TEST_CASE("a payment is signed exactly as it is on record, once") {
  using ledger::PaymentRecord;
  const auto lacks = [](const std::string& text) { return says(text, "as its record says"); };
  const auto ledger = paying();
  CHECK(refusal(ledger, channels_of(ledger)) == "");
  CHECK(lacks(refusal_of_payment([](PaymentRecord& p) { p.amount = Sat{70'001}; })));
  CHECK(lacks(refusal_of_payment([](PaymentRecord& p) { p.amount = Sat{69'999}; })));
  CHECK(lacks(refusal_of_payment([](PaymentRecord& p) { p.script = record_sample::change_script; })));
  CHECK(lacks(refusal_of_payment([](PaymentRecord& p) { p.outnum = 2; })));
  CHECK(lacks(refusal_of_payment([](PaymentRecord& p) { p.outnum = 4; })));
  CHECK(lacks(refusal_of_payment([](PaymentRecord& p) { p.outnum.reset(); })));
  auto twice = paying();
  twice.plan->payments.push_back(twice.plan->payments[0]);
  CHECK(lacks(refusal(twice, channels_of(twice))));
  auto none = paying();
  none.plan->payments.clear();
  CHECK(says(refusal(none, channels_of(none)), "output 1 pays neither"));
  // Nor in the place of a channel.
  auto instead = paying();
  instead.openings[0]->outpoint.reset();
  plan(instead, *Psbt::from_base64(*ledger.plan->psbt), {1, 3, {}});
  instead.plan->payments = ledger.plan->payments;
  CHECK(lacks(refusal(instead, channels_of(instead))));
}

TEST_CASE("what goes to others is marked for lightningd's bookkeeper, and nothing else is") {
  const auto ledger = paying();
  const auto psbt = Psbt::from_base64(*ledger.plan->psbt);
  const auto sent = Psbt::from_base64(*sending::to_send(*psbt, *ledger.plan));
  REQUIRE(sent.ok());
  CHECK(sent->version() == 2);
  CHECK(sent->txid() == psbt->txid());
  const auto raw = sim::RawPsbt::from(*sent);
  REQUIRE(raw);
  const auto key = *util::from_hex("fc096c696768746e696e6704");
  for (std::size_t i = 0; i < 4; ++i) CHECK(raw->has_output_field(i, key) == (i == 1));
}
