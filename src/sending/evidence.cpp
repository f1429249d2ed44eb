#include "sending/evidence.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "util/str.hpp"

namespace sending {

using bitcoin::Outpoint;
using lightningd::PeerChannel;
using util::Error;
using util::Result;
using util::str;

namespace {

template <class... Parts>
Error not_signed(const Parts&... parts) {
  return Error{-1, str("the transaction is not signed: ", parts...), {}};
}

}  // namespace

Evidence::Evidence(const ledger::Ledger& ledger, const util::SharedText& psbt)
    : ledger_(ledger), psbt_(psbt::Psbt::from_base64(*psbt)) {}

Result<void> Evidence::check(const std::vector<PeerChannel>& channels, Channels stand) const {
  const bool ready = ledger_.plan && ledger_.phase == ledger::BatchPhase::sending;
  if (!ready || !psbt_ || psbt_->txid() != ledger_.plan->txid) return not_signed("it is not the one of the record");
  if (auto checked = check_inputs(); !checked) return checked;

  const Payees payees = this->payees();
  const std::vector<bool> shown = funded(channels, payees, stand);
  const auto paid = payments(payees);
  if (!paid) return paid.error();
  bool has_change = false;
  for (std::uint32_t i = 0; i < payees.size(); ++i) {
    if (paid->contains(i)) continue;
    if (payees[i] == nullptr) {
      if (psbt_->outputs()[i].script != ledger_.plan->change) {
        return not_signed("its output ", i, " pays neither a channel, nor a payment, nor the wallet's change");
      }
      if (std::exchange(has_change, true)) return not_signed("its output ", i, " pays the change again");
    } else if (!shown[i]) {
      return not_signed("lightningd shows no channel of ours that its output ", i, " funds");
    }
  }
  const bool funds = std::find(shown.begin(), shown.end(), true) != shown.end();
  return funds ? Result<void>() : not_signed("it funds no channel");
}

Result<void> Evidence::check_inputs() const {
  std::set<Outpoint> spent;
  for (const auto& input : psbt_->inputs()) spent.insert(input.outpoint);
  const auto& reserved = ledger_.reservation.heights;
  const bool same = std::equal(spent.begin(), spent.end(), reserved.begin(), reserved.end(),
                               [](const Outpoint& input, const auto& coin) { return input == coin.first; });
  if (same && spent.size() == psbt_->inputs().size() && !spent.empty()) return {};
  return not_signed("it does not spend what is reserved for it");
}

Evidence::Payees Evidence::payees() const {
  Payees payees(psbt_->outputs().size());
  std::vector<bool> named(payees.size());
  const auto& outnums = ledger_.plan->outnums;
  for (std::size_t i = 0; i < std::min(outnums.size(), ledger_.openings.size()); ++i) {
    if (!outnums[i] || *outnums[i] >= payees.size()) continue;
    payees[*outnums[i]] = named[*outnums[i]] ? nullptr : ledger_.openings[i].get();
    named[*outnums[i]] = true;
  }
  return payees;
}

/// The outputs that are for the payments of the record: each has one, which is nobody else's.
Result<std::set<std::uint32_t>> Evidence::payments(const Payees& payees) const {
  const auto& outputs = psbt_->outputs();
  std::set<std::uint32_t> paid;
  for (const auto& payment : ledger_.plan->payments) {
    const auto at = payment.outnum.value_or(UINT32_MAX);
    const bool exact = at < outputs.size() && payees[at] == nullptr &&
                       outputs[at] == bitcoin::TxOutput{payment.amount, payment.script};
    if (!exact || !paid.insert(at).second) {
      return not_signed("it does not pay ", payment.amount.value, " sat to ", payment.address, ", as its record says");
    }
  }
  return paid;
}

/// By output: whether lightningd shows the payee's channel that it funds.
std::vector<bool> Evidence::funded(const std::vector<PeerChannel>& channels, const Payees& payees,
                                   Channels stand) const {
  std::vector<bool> funded(payees.size());
  for (const auto& channel : channels) {
    if (!channel.is_of(ledger_.plan->txid)) continue;
    const std::uint32_t output = channel.funding->vout;
    if (output >= payees.size() || payees[output] == nullptr) continue;
    if (channel.peer == payees[output]->peer && is_funding(channel, output, stand)) funded[output] = true;
  }
  return funded;
}

bool Evidence::is_funding(const PeerChannel& channel, std::uint32_t output, Channels stand) const {
  const bool stands = channel.withheld || stand == Channels::withheld_or_released;
  return stands && channel.lives() && channel.opened_by_us && channel.total == psbt_->outputs()[output].amount;
}

}  // namespace sending
