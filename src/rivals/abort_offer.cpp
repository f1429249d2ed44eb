#include "rivals/abort_offer.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "bitcoin/fees.hpp"
#include "context/calls.hpp"
#include "lightningd/codes.hpp"
#include "psbt/fee.hpp"
#include "sending/found_channels.hpp"
#include "util/str.hpp"
#include "wallet/holds.hpp"

namespace rivals {

using bitcoin::Outpoint;
using bitcoin::Perkw;
using bitcoin::Sat;
using funding::AbortCoin;
using lightningd::FeerateLimits;
using lightningd::Funded;
using lightningd::PeerChannel;
using lightningd::WalletOutput;
using psbt::Psbt;
using util::Error;
using util::Result;
using util::str;

namespace {

/// A fee above this part of what is spent is worth a warning.
constexpr std::uint64_t large_part = 10;

/// What the batch's transaction pays; nothing when an input is not shown.
Sat fee_of(const Psbt& psbt, const std::map<Outpoint, Sat>& amounts) {
  const auto amount_of = [&psbt, &amounts](std::size_t i) {
    const auto amount = amounts.find(psbt.inputs()[i].outpoint);
    return amount == amounts.end() ? std::nullopt : std::optional(amount->second);
  };
  return psbt::fee(psbt, amount_of).value_or(Sat{});
}

}  // namespace

AbortOffer::AbortOffer(context::Calls calls, const ledger::Book& book, std::shared_ptr<const ledger::Ledger> ledger,
                       Sat bumped)
    : calls_(std::move(calls)), book_(book), ledger_(std::move(ledger)), bumped_(bumped) {}

void AbortOffer::ask(const std::string& feerate, lightningd::Reply<AbortTransaction> then) {
  then_ = std::move(then);
  feerate_given_ = !feerate.empty();
  auto parsed = [this](const Result<Perkw>& perkw) {
    if (!perkw) return fail(perkw.error());
    feerate_ = *perkw;
    ask_floor();
  };
  calls_.client.parsefeerate(feerate_given_ ? feerate : "urgent",
                             calls_.local<Perkw>("parsefeerate", std::move(parsed)));
}

// Without an answer it shows when the transaction is sent.
void AbortOffer::ask_floor() {
  auto told = [this](const Result<FeerateLimits>& feerates) {
    if (feerates) bounds_.floor = feerates->floor;
    if (feerates && !feerate_given_) feerate_ = std::max(feerate_, feerates->floor);
    look_at_channels();
  };
  calls_.client.feerates(calls_.local<FeerateLimits>("feerates", std::move(told)));
}

void AbortOffer::look_at_channels() {
  auto listed = [this](const Result<Channels>& channels) {
    if (!channels) return fail(channels.error());
    const auto* used = sending::find_in_use(*ledger_, *channels);
    if (used == nullptr) return look_at_coins();
    fail(Error{-1,
               str("batch: its channel ", used->funding->str(), " with ", used->peer.hex(),
                   " is in use already: its peer counts on the transaction"),
               {}});
  };
  calls_.client.listpeerchannels(std::nullopt, calls_.local<Channels>("listpeerchannels", std::move(listed)));
}

void AbortOffer::look_at_coins() {
  calls_.client.listfunds(calls_.local<Outputs>("listfunds", [this](const Result<Outputs>& outputs) {
    if (!outputs) return fail(outputs.error());
    choose(*outputs);
  }));
}

void AbortOffer::choose(const Outputs& outputs) {
  const auto psbt = Psbt::from_base64(*ledger_->plan->psbt);
  if (!psbt) return fail(psbt.error());
  const wallet::Holds held(outputs, *ledger_, book_);
  std::map<Outpoint, Sat> amounts;
  for (const auto& output : outputs) {
    if (output.status != lightningd::OutputStatus::spent) amounts[output.outpoint] = output.amount;
    if (!held.is_ours(output.outpoint) && !held.is_free(output.outpoint)) continue;
    coins_.push_back({output.outpoint, output.amount, output.scriptpubkey});
  }
  if (coins_.empty()) {
    return fail(Error{-1, "no input of the batch can be spent: each is spent, or another program has reserved it", {}});
  }
  const auto before = ledger_->abort ? ledger_->abort->inputs : std::vector<Outpoint>();
  const std::set<Outpoint> first(before.begin(), before.end());
  std::stable_sort(coins_.begin(), coins_.end(), [&first](const AbortCoin& a, const AbortCoin& b) {
    const bool a_first = first.contains(a.outpoint), b_first = first.contains(b.outpoint);
    return a_first != b_first ? a_first : a.amount > b.amount;
  });
  price_.emplace(feerate_, fee_of(*psbt, amounts) + bumped_, ledger_->abort ? ledger_->abort->fee : Sat{},
                 before.size());
  chosen_ = coins_needed(coins_, *price_);
  if (chosen_ == 0) return cannot_pay(str("the fee would be ", fee_with_all(coins_, *price_).value, " sat"));
  quote(feerate_);
}

// Reserved they are by the batch; zero blocks reserve nothing.
void AbortOffer::quote(Perkw feerate) {
  lightningd::FundParams params;
  params.feerate = str(feerate.value, "perkw");
  params.startweight = funding::bare_abort_weight;
  std::vector<Outpoint> inputs;
  for (std::size_t i = 0; i < chosen_; ++i) inputs.push_back(coins_[i].outpoint);
  calls_.client.utxopsbt(params, inputs, true,
                         calls_.local<Funded>("utxopsbt", [this, feerate](const Result<Funded>& funded) {
                           if (funded) return quoted(feerate, *funded);
                           const auto& error = funded.error();
                           lightningd::is_shortage(error.code) ? cannot_pay(error.message) : fail(error);
                         }));
}

void AbortOffer::quoted(Perkw feerate, const Funded& funded) {
  auto psbt = Psbt::from_base64(funded.psbt);
  if (!psbt) return fail(psbt.error());
  const auto estimated = funded.estimated_final_weight;
  if (!spends_chosen(*psbt) || estimated <= funding::rounding_weight) {
    return cannot_pay("lightningd leaves nothing for the wallet");
  }
  const auto weight = estimated - funding::rounding_weight;
  const Sat amount = sum_of(coins_, chosen_);
  const Sat returned = psbt->outputs()[0].amount;
  const Sat fee = amount < returned ? Sat{} : amount - returned;
  const Sat least = price_->to_replace(weight, chosen_);
  if (fee < least && !std::exchange(raised_, true)) {
    const auto raised = std::min<std::uint64_t>(least.value * 1000 / estimated + 5, bitcoin::highest_feerate);
    return quote(Perkw{static_cast<std::uint32_t>(raised)});
  }
  if (fee < least) return fail(Error{-1, str("the fee could not be made ", least.value, " sat"), {}});
  const bitcoin::Cost cost{fee, returned, feerate, weight};
  if (const auto fits = bounds_.check(cost); !fits) return fail(fits.error());
  psbt->strip();
  std::vector<Outpoint> inputs;
  for (const auto& input : psbt->inputs()) inputs.push_back(input.outpoint);
  AbortTransaction found{
      {psbt->txid(), std::move(inputs), fee, util::share(psbt->base64(0)), true}, feerate, returned, {}};
  if (ledger_->abort) found.replaces = ledger_->abort->txid;
  if (fee.value > amount.value / large_part) {
    found.warnings.push_back(str("feerate: the fee of ", fee.value, " sat is ", fee.value * 100 / amount.value,
                                 " % of the ", amount.value, " sat that are spent"));
  }
  std::exchange(then_, nullptr)(std::move(found));
}

/// With the estimate of lightningd a little above ours, or its emergency reserve to keep, one more may do.
void AbortOffer::cannot_pay(const std::string& what) {
  if (chosen_ > 0 && chosen_ < coins_.size()) {
    ++chosen_;
    raised_ = false;
    return quote(feerate_);
  }
  fail(Error{-1,
             str("the ", coins_.size(), " inputs of the batch that can be spent cannot pay: they bring ",
                 sum_of(coins_, coins_.size()).value, " sat in all, and at ", feerate_.value, " perkw ", what),
             {}});
}

bool AbortOffer::spends_chosen(const Psbt& psbt) const {
  std::set<Outpoint> left;
  for (std::size_t i = 0; i < chosen_; ++i) left.insert(coins_[i].outpoint);
  for (const auto& input : psbt.inputs()) {
    if (left.erase(input.outpoint) == 0) return false;
  }
  return left.empty() && psbt.outputs().size() == 1;
}

void AbortOffer::fail(const Error& error) { std::exchange(then_, nullptr)(error); }

}  // namespace rivals
