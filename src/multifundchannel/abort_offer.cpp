#include "multifundchannel/abort_offer.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "funding/fee_bounds.hpp"
#include "multifundchannel/holds.hpp"
#include "multifundchannel/local_call.hpp"

namespace multifundchannel {

using funding::Psbt;
using lightningd::Funded;
using lightningd::Outpoint;
using lightningd::PeerChannel;
using lightningd::Perkw;
using lightningd::Sat;
using lightningd::WalletOutput;
using util::Error;
using util::Result;
using util::str;

namespace {

/// Neither inputs nor outputs: lightningd adds both.
constexpr std::uint64_t bare_weight = 4 * (4 + 4 + 1 + 1) + 2 + funding::rounding_weight;

/// bitcoind's incrementalrelayfee, one sat for a vbyte.
constexpr Perkw increment{250};

/// Far above what bitcoind takes.
constexpr std::uint64_t highest_feerate = 100'000'000;

/// What the batch's transaction pays; nothing when an input is not shown.
Sat fee_of(const Psbt& psbt, const std::map<Outpoint, Sat>& amounts) {
  Sat in, out;
  for (const auto& input : psbt.inputs()) {
    const auto amount = amounts.find(input.outpoint);
    if (amount == amounts.end()) return {};
    in = in + amount->second;
  }
  for (const auto& output : psbt.outputs()) out = out + output.amount;
  return in < out ? Sat{} : in - out;
}

}  // namespace

AbortOffer::AbortOffer(spark::Scope& scope, const lightningd::Client& client, const Settings& settings,
                       std::shared_ptr<const funding::Ledger> ledger)
    : scope_(scope), client_(client), settings_(settings), ledger_(std::move(ledger)) {}

void AbortOffer::ask(const std::string& feerate, lightningd::Reply<AbortTransaction> then) {
  then_ = std::move(then);
  auto parsed = [this](const Result<Perkw>& perkw) {
    if (!perkw) return fail(perkw.error());
    feerate_ = *perkw;
    look_at_channels();
  };
  client_.parsefeerate(feerate.empty() ? "urgent" : feerate,
                       local_call<Perkw>(scope_, settings_, "parsefeerate", std::move(parsed)));
}

// One that needs no confirmation may have paid its peer, or for it, already.
void AbortOffer::look_at_channels() {
  auto listed = [this](const Result<Channels>& channels) {
    if (!channels) return fail(channels.error());
    const auto in_use = std::find_if(channels->begin(), channels->end(), [this](const PeerChannel& channel) {
      return channel.opened_by_us && channel.funding && channel.funding->txid == ledger_->plan->txid &&
             channel.state == "CHANNELD_NORMAL";
    });
    if (in_use == channels->end()) return look_at_coins();
    fail(Error{-1, str("batch: its channel ", in_use->funding->str(), " with ", in_use->peer.hex(),
                       " is in use already: its peer counts on the transaction"), {}});
  };
  client_.listpeerchannels(std::nullopt,
                           local_call<Channels>(scope_, settings_, "listpeerchannels", std::move(listed)));
}

void AbortOffer::look_at_coins() {
  client_.listfunds(local_call<Outputs>(scope_, settings_, "listfunds", [this](const Result<Outputs>& outputs) {
    if (!outputs) return fail(outputs.error());
    choose(*outputs);
  }));
}

void AbortOffer::choose(const Outputs& outputs) {
  const auto psbt = Psbt::from_base64(*ledger_->plan->psbt);
  if (!psbt) return fail(psbt.error());
  std::map<Outpoint, Sat> amounts;
  std::set<Outpoint> usable;
  for (const auto& output : outputs) {
    const auto hold = hold_on(output, ledger_->reservation);
    if (hold != Hold::spent) amounts[output.outpoint] = output.amount;
    const bool recorded = ledger_->reservation.heights.contains(output.outpoint);
    if (recorded && (hold == Hold::ours || hold == Hold::free)) usable.insert(output.outpoint);
  }
  for (const auto& input : psbt->inputs()) {
    const auto amount = amounts.find(input.outpoint);
    const bool wanted = !ledger_->abort || ledger_->abort->input == input.outpoint;
    if (!wanted || !usable.contains(input.outpoint) || amount->second <= amount_) continue;
    input_ = input.outpoint;
    amount_ = amount->second;
  }
  if (amount_.value == 0) {
    return fail(Error{-1, "no input of the batch can be spent: each is spent, or another program has reserved it", {}});
  }
  to_replace_ = std::max(fee_of(*psbt, amounts), ledger_->abort ? ledger_->abort->fee : Sat{});
  quote(feerate_);
}

// Reserved it is by the batch; zero blocks reserve nothing.
void AbortOffer::quote(Perkw feerate) {
  lightningd::FundParams params;
  params.feerate = str(feerate.value, "perkw");
  params.startweight = bare_weight;
  client_.utxopsbt(params, {input_}, true,
                   local_call<Funded>(scope_, settings_, "utxopsbt", [this, feerate](const Result<Funded>& funded) {
                     if (!funded) return fail(funded.error());
                     quoted(feerate, *funded);
                   }));
}

void AbortOffer::quoted(Perkw feerate, const Funded& funded) {
  auto psbt = Psbt::from_base64(funded.psbt);
  if (!psbt) return fail(psbt.error());
  const auto weight = funded.estimated_final_weight;
  const bool one_each = psbt->inputs().size() == 1 && psbt->inputs()[0].outpoint == input_ && psbt->outputs().size() == 1;
  if (!one_each || weight == 0) {
    const auto what = str("input ", input_.str(), " of ", amount_.value, " sat cannot pay a fee of ", feerate.value);
    return fail(Error{-1, what + " perkw", {}});
  }
  const Sat returned = psbt->outputs()[0].amount;
  const Sat fee = amount_ < returned ? Sat{} : amount_ - returned;
  const Sat least = to_replace_ + funding::whole_vbytes_fee(weight, increment);
  if (fee < least && !std::exchange(raised_, true)) {
    const auto raised = std::min<std::uint64_t>(least.value * 1000 / weight + 5, highest_feerate);
    return quote(Perkw{static_cast<std::uint32_t>(raised)});
  }
  if (fee < least) return fail(Error{-1, str("the fee could not be made ", least.value, " sat"), {}});
  const funding::Cost cost{fee, returned, feerate, weight};
  if (const auto fits = funding::FeeBounds{}.check(cost); !fits) return fail(fits.error());
  psbt->strip();
  AbortTransaction found{{psbt->txid(), input_, fee, util::share(psbt->base64(0)), true}, feerate, returned};
  std::exchange(then_, nullptr)(std::move(found));
}

void AbortOffer::fail(const Error& error) { std::exchange(then_, nullptr)(error); }

}  // namespace multifundchannel
