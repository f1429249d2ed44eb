#include "bump/bump_offer.hpp"

#include <algorithm>
#include <utility>

#include "bitcoin/fees.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace bump {

using bitcoin::Outpoint;
using bitcoin::Perkw;
using bitcoin::Sat;
using lightningd::FeerateLimits;
using lightningd::Funded;
using lightningd::WalletOutput;
using util::Error;
using util::Result;
using util::str;

namespace {

/// The feerate at which a transaction of this weight pays this fee.
Perkw feerate_of(Sat fee, std::uint64_t weight) {
  return Perkw{static_cast<std::uint32_t>(std::min(fee.value * 1000 / weight, bitcoin::highest_feerate))};
}

}  // namespace

void BumpOffer::ask(lightningd::Reply<BumpTransaction> then) {
  then_ = std::move(then);
  auto parsed = [this](const Result<Perkw>& perkw) {
    if (!perkw) return fail(perkw.error());
    feerate_ = *perkw;
    look_at_node();
  };
  calls_.client.parsefeerate(wish_.feerate, calls_.local<Perkw>("parsefeerate", std::move(parsed)));
}

// A node that is catching up does not know what has confirmed.
void BumpOffer::look_at_node() {
  auto told = [this](const Result<lightningd::NodeInfo>& info) {
    if (!info) return fail(info.error());
    if (!info->sync_warning.empty()) {
      return fail(Error{-1, str("whether the transaction has confirmed is not known: ", info->sync_warning), {}});
    }
    found_.height = info->blockheight;
    look_at_blocks();
  };
  calls_.client.getinfo(calls_.local<lightningd::NodeInfo>("getinfo", std::move(told)));
}

// Nor does one that has not asked for the last block yet. A backend that does not tell is no reason to refuse.
void BumpOffer::look_at_blocks() {
  auto told = [this](const Result<std::uint32_t>& blocks) {
    if (!blocks || *blocks <= found_.height) return ask_floor();
    fail(Error{-1,
               str("whether the transaction has confirmed is not known: bitcoind has block ", *blocks,
                   ", and lightningd has seen those up to ", found_.height, ": try again in half a minute"),
               {}});
  };
  chain::ChainLook(calls_.client).blocks(found_.height, calls_.local<std::uint32_t>("getchaininfo", std::move(told)));
}

// Without an answer it shows when the child is sent.
void BumpOffer::ask_floor() {
  auto told = [this](const Result<FeerateLimits>& feerates) {
    if (feerates) bounds_.floor = feerates->floor;
    look_at_transactions();
  };
  calls_.client.feerates(calls_.local<FeerateLimits>("feerates", std::move(told)));
}

void BumpOffer::look_at_transactions() {
  auto listed = [this](const Result<Ancestry::Transactions>& transactions) {
    if (!transactions) return fail(transactions.error());
    look_at_coins(*transactions);
  };
  chain::ChainLook(calls_.client)
      .all_signed(calls_.local<Ancestry::Transactions>("listtransactions", std::move(listed)));
}

void BumpOffer::look_at_coins(const Ancestry::Transactions& transactions) {
  calls_.client.listfunds(calls_.local<Outputs>("listfunds", [this, transactions](const Result<Outputs>& outputs) {
    if (!outputs) return fail(outputs.error());
    judge(Ancestry(transactions, *outputs), *outputs);
  }));
}

void BumpOffer::judge(const Ancestry& ancestry, const Outputs& outputs) {
  if (const auto* const before = bumps_.of(wish_.parent)) before_ = *before;
  const auto* const parent = ancestry.find(wish_.parent);
  if (parent == nullptr) {
    return fail(Error{lightningd::code::invalid_params,
                      str("batch: the wallet has not recorded its transaction ", wish_.parent.hex(),
                          ": it was not sent by this node"),
                      {}});
  }
  if (parent->blockheight > 0) {
    return fail(
        Error{lightningd::code::invalid_params,
              str("batch: its transaction ", wish_.parent.hex(), " has confirmed, in block ", parent->blockheight),
              {}});
  }
  const auto* const change = find_change(outputs);
  if (change == nullptr) {
    return fail(
        Error{-1,
              str("batch: its transaction ", wish_.parent.hex(),
                  " has no change that the wallet could pay with (keep_change in the batch's call sees to that)"),
              {}});
  }
  change_ = *change;
  if (const auto why = why_taken(ancestry, outputs)) return fail(Error{-1, str("batch: ", *why), {}});
  const auto ancestors = ancestry.package(wish_.parent);
  if (!ancestors) return fail(Error{-1, str("batch: ", ancestors.error().message), {}});
  if (before_) {
    bumps_before_ = before_->replaced;
    bumps_before_.push_back(before_->shown.txid);
  }
  look_at_mempool(*ancestors);
}

const WalletOutput* BumpOffer::find_change(const Outputs& outputs) const {
  const WalletOutput* found = nullptr;
  for (const auto& output : outputs) {
    if (output.outpoint.txid != wish_.parent || output.has_redeemscript) continue;
    if (before_ && output.outpoint != before_->spends) continue;
    if (found == nullptr || output.amount > found->amount) found = &output;
  }
  return found;
}

// A bump may replace a bump, and nothing else of the wallet's.
std::optional<std::string> BumpOffer::why_taken(const Ancestry& ancestry, const Outputs& outputs) const {
  for (const auto& spender : ancestry.spenders(change_.outpoint)) {
    if (!before_ || !before_->includes(spender)) {
      return str("its change ", change_.outpoint.str(), " is spent by ", spender.hex(),
                 ", which is no bump of this plugin: it is not replaced");
    }
    const auto later = ancestry.spenders({spender, 0});
    if (!later.empty()) {
      return str("the bump before, ", spender.hex(), ", is not replaced: ", later[0].hex(),
                 " spends its output, and would be gone with it. Bump that one instead");
    }
    const auto own = std::find_if(outputs.begin(), outputs.end(), [this, &spender](const WalletOutput& output) {
      return output.outpoint == Outpoint{spender, 0} && output.reserved &&
             !before_->holds(spender, output.reserved_to_block);
    });
    if (own != outputs.end()) {
      return str("the bump before, ", spender.hex(), ", is not replaced: its output is reserved until block ",
                 own->reserved_to_block, ", by a batch that waits or another program, and would be gone with it");
    }
  }
  if (change_.reserved && (!before_ || !before_->explains(change_.reserved_to_block))) {
    return str("its change ", change_.outpoint.str(), " is reserved by another program until block ",
               change_.reserved_to_block);
  }
  return std::nullopt;
}

// A child of what bitcoind does not have is refused: it takes no packages from lightningd. Change that nothing in the
// mempool spends is proof of the transaction, and of that no bump has to be replaced.
void BumpOffer::look_at_mempool(const funding::Package& ancestors) {
  auto told = [this, ancestors](const Result<bool>& unspent) {
    if (!unspent) return fail(unspent.error());
    *unspent ? price(ancestors) : look_at_bumps(ancestors);
  };
  chain::ChainLook(calls_.client).is_unspent(change_.outpoint, calls_.local<bool>("getutxout", std::move(told)));
}

// Of the bumps so far one at most is in the mempool: the latest, or one before it where that was not sent.
void BumpOffer::look_at_bumps(const funding::Package& ancestors) {
  if (bumps_before_.empty()) {
    return fail(Error{-1,
                      str("batch: bitcoind does not show its transaction ", wish_.parent.hex(),
                          ": it is away, or the transaction has dropped out of its mempool, which takes no child of it "
                          "then. lightningd sends it again at its next start"),
                      {}});
  }
  const auto bump = bumps_before_.back();
  bumps_before_.pop_back();
  auto told = [this, ancestors, bump](const Result<bool>& unspent) {
    if (!unspent) return fail(unspent.error());
    if (!*unspent) return look_at_bumps(ancestors);
    found_.replaces = bump;
    price(ancestors);
  };
  chain::ChainLook(calls_.client).is_unspent({bump, 0}, calls_.local<bool>("getutxout", std::move(told)));
}

// A block that came meanwhile may have the transaction.
bool BumpOffer::is_decided() const {
  const auto* const now = bumps_.of(wish_.parent);
  return before_ && (now == nullptr || (now->decided_at > 0 && before_->decided_at == 0));
}

void BumpOffer::price(const funding::Package& ancestors) {
  if (is_decided()) {
    return fail(Error{-1, "batch: its transaction has confirmed meanwhile, or cannot confirm any more", {}});
  }
  found_.spends = change_.outpoint;
  found_.reserved_to_block = change_.reserved ? change_.reserved_to_block : 0;
  weight_ = funding::bump_weight(change_.scriptpubkey);
  if (ancestors.pays(feerate_)) {
    return refuse_feerate(str("the transaction pays ", ancestors.feerate().value,
                              " perkw already, with all unconfirmed "
                              "ones that it builds upon, and ",
                              feerate_.value, " were asked for"));
  }
  found_.fee = funding::childs_fee(ancestors, weight_, feerate_);
  if (bounds_.floor) found_.fee = std::max(found_.fee, bitcoin::whole_vbytes_fee(weight_, *bounds_.floor));
  found_.package = ancestors;
  found_.package.add(weight_, found_.fee);
  // Which of them is there is known; what each paid is not, but the most that any did.
  const auto least = found_.replaces ? funding::fee_to_replace(before_->most_fee, weight_) : Sat{};
  if (found_.fee < least) {
    auto needed = ancestors;
    needed.add(weight_, least);
    return refuse_feerate(str("the bump before, ", found_.replaces->hex(), ", pays up to ", before_->most_fee.value,
                              " sat: to replace it takes ", least.value, " sat, which is ", needed.feerate().value + 1,
                              "perkw for all of it, and at ", feerate_.value, " perkw it would pay ", found_.fee.value,
                              " sat"));
  }
  if (change_.amount < found_.fee + bitcoin::change_dust) return fail(Error{-1, figures(), {}});
  found_.returned = change_.amount - found_.fee;
  const bitcoin::Cost cost{found_.fee, found_.returned, feerate_of(found_.fee, weight_), weight_};
  bounds_.ancestors = ancestors;
  if (const auto fits = bounds_.check(cost); !fits) return fail(fits.error());
  if (const auto fits = wish_.cap.check(cost); !fits) return fail(fits.error());
  quote();
}

std::string BumpOffer::figures() const {
  return str("batch: its change of ", change_.amount.value, " sat cannot pay: at ", feerate_.value, " perkw for the ",
             found_.package.vbytes, " vbytes of all of it the bump's fee is ", found_.fee.value, " sat, and ",
             bitcoin::change_dust.value, " sat must be left");
}

// lightningd makes the address, and minds its emergency reserve. Zero blocks reserve nothing.
void BumpOffer::quote() {
  lightningd::FundParams params;
  params.feerate = str(feerate_of(found_.fee, weight_).value, "perkw");
  params.startweight = funding::bare_weight;
  calls_.client.utxopsbt(params, {change_.outpoint}, change_.reserved,
                         calls_.local<Funded>("utxopsbt", [this](const Result<Funded>& funded) {
                           if (funded) return quoted(*funded);
                           const auto& error = funded.error();
                           if (!lightningd::is_shortage(error.code)) return fail(error);
                           fail(Error{error.code, str(figures(), ": ", error.message), {}});
                         }));
}

void BumpOffer::quoted(const Funded& funded) {
  auto psbt = psbt::Psbt::from_base64(funded.psbt);
  if (!psbt) return fail(psbt.error());
  const bool as_asked = psbt->spends({change_.outpoint}) && psbt->outputs().size() == 1;
  if (!as_asked) return fail(Error{-1, str(figures(), ": lightningd leaves nothing for the wallet"), {}});
  psbt->set_output_amount(0, found_.returned);
  psbt->strip();
  found_.txid = psbt->txid();
  found_.psbt = util::share(psbt->base64(0));
  std::exchange(then_, nullptr)(std::move(found_));
}

void BumpOffer::refuse_feerate(const std::string& why) {
  fail(Error{lightningd::code::invalid_params, str("feerate: ", why), {}});
}

void BumpOffer::fail(const Error& error) { std::exchange(then_, nullptr)(error); }

}  // namespace bump
