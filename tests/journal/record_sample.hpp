#pragma once

#include <memory>
#include <string>

#include "ledger/ledger.hpp"
#include "psbt/psbt.hpp"

/// A batch as its record leaves it, for tests of what is made of that.
namespace record_sample {

inline const bitcoin::Outpoint first_input{*bitcoin::Txid::from_hex(std::string(64, '7')), 3};
inline const bitcoin::Outpoint second_input{*bitcoin::Txid::from_hex(std::string(64, '8')), 0};
inline const util::Bytes change_script = *util::from_hex("5120" + std::string(64, '3'));
inline const util::Bytes foreign_script = *util::from_hex("0014" + std::string(40, '5'));

inline util::Bytes funding_script(char digit) { return *util::from_hex("0020" + std::string(64, digit)); }
inline lightningd::NodeId node(char digit) { return *lightningd::NodeId::from_hex("02" + std::string(64, digit)); }

/// The first peer's channel, change, the second peer's channel.
inline psbt::Psbt transaction() {
  auto psbt = psbt::Psbt::spending({first_input, second_input});
  psbt.insert_output(0, {bitcoin::Sat{1'000'000}, funding_script('b')});
  psbt.insert_output(1, {bitcoin::Sat{500'000}, change_script});
  psbt.insert_output(2, {bitcoin::Sat{2'000'000}, funding_script('c')});
  return psbt;
}

/// Makes the plan, and what the openings know of it, follow from another transaction.
inline void plan(ledger::Ledger& ledger, const psbt::Psbt& psbt,
                 std::vector<std::optional<std::uint32_t>> outnums = {0, 2, std::nullopt}) {
  ledger.plan = ledger::FundingPlan{psbt.txid(), util::share(psbt.base64(0)), std::move(outnums), change_script};
  for (std::size_t i = 0; i < ledger.openings.size(); ++i) ledger.openings[i]->outpoint = ledger.outpoint_of(i);
}

/// Three peers, of whom the last dropped out, ready to be sent.
inline ledger::Ledger ledger() {
  ledger::Ledger ledger;
  ledger.id = std::string(32, 'a');
  ledger.begun = 1'700'000'000;
  ledger.phase = ledger::BatchPhase::sending;
  ledger.reservation.blocks = 145;
  ledger.reservation.sent_blocks = 2016;
  for (const auto& input : {first_input, second_input}) ledger.reservation.heights[input] = 255;
  for (const auto& [digit, amount] : {std::pair{'b', 1'000'000u}, {'c', 2'000'000u}, {'d', 3'000'000u}}) {
    ledger.openings.push_back(std::make_shared<ledger::OpeningRecord>());
    auto& opening = *ledger.openings.back();
    opening.peer = node(digit);
    opening.planned = opening.amount = bitcoin::Sat{amount};
    opening.stage = digit == 'd' ? ledger::Stage::started : ledger::Stage::completing;
  }
  plan(ledger, transaction());
  return ledger;
}

}  // namespace record_sample
