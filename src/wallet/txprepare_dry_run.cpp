#include "wallet/txprepare_dry_run.hpp"

#include <algorithm>
#include <utility>

#include "bitcoin/fees.hpp"
#include "context/calls.hpp"
#include "context/looks.hpp"
#include "funding/funding_transaction.hpp"
#include "lightningd/codes.hpp"
#include "psbt/psbt.hpp"
#include "util/log.hpp"
#include "util/str.hpp"
#include "wallet/holds.hpp"

namespace wallet {

using bitcoin::Outpoint;
using bitcoin::Sat;
using bitcoin::Txid;
using ledger::PreparedRecord;
using lightningd::Funded;
using util::Error;
using util::Result;
using util::str;

namespace {

/// Somebody may reserve a coin between our choice and txprepare, but hardly so often in turn.
constexpr int most_attempts = 5;

/// Whether nothing was reserved for sure. Any other error may come after the reservation: txprepare forgets it
/// when the rest fails, or ends in between.
bool refused(const Error& error) {
  return error.code == lightningd::code::invalid_params || error.code == lightningd::code::method_not_found;
}

/// One for each destination, all to the same address; nothing: what is left. txprepare knows one `all` only.
std::vector<lightningd::Placeholder> placeholders(const TxprepareDryRun::Wanted& wanted, const std::string& address) {
  std::vector<lightningd::Placeholder> outputs;
  Sat rest = wanted.fund.amount;
  for (const auto amount : wanted.amounts) {
    outputs.push_back({address, amount});
    rest = rest - amount;
  }
  for (auto others = wanted.count - wanted.amounts.size(); others > 0; --others) {
    if (wanted.fund.all && others == 1) {
      outputs.push_back({address, std::nullopt});
    } else {
      const Sat share = wanted.fund.all ? bitcoin::channel_dust : Sat{rest.value / others};
      outputs.push_back({address, share});
      rest = rest - share;
    }
  }
  return outputs;
}

}  // namespace

void TxprepareDryRun::run(Wanted wanted, Save save, lightningd::Reply<Funded> then) {
  wanted_ = std::move(wanted);
  save_ = std::move(save);
  then_ = std::move(then);
  choose();
}

// What is chosen is free. If another batch reserves it before txprepare does, it is never ours.
void TxprepareDryRun::choose() {
  ++attempts_;
  wanted_.fund.reserve_blocks = 0;
  ledger_->reservation.asks_at(book_.reservations());
  choose_coins(calls_.client, wanted_.fund, wanted_.choice,
               calls_.local<Funded>("fundpsbt or utxopsbt", [this](const Result<Funded>& answer) { chosen(answer); }));
}

// What cannot be paid is for the caller to find in the answer, as in that of fundpsbt; nothing is reserved then.
void TxprepareDryRun::chosen(const Result<Funded>& answer) {
  if (!answer || !is_enough(Sat{answer->excess.value / 1000})) return finish(answer);
  const auto psbt = psbt::Psbt::from_base64(answer->psbt);
  if (!psbt) return finish(Error{-1, str("the wallet's PSBT: ", psbt.error().message), {}});
  if (const auto checked = funding::check_inputs(*psbt); !checked) return finish(checked.error());
  inputs_.clear();
  for (const auto& input : psbt->inputs()) inputs_.push_back(input.outpoint);
  if (address_.empty()) return ask_address();
  ask_height();
}

bool TxprepareDryRun::is_enough(Sat excess) const {
  if (!wanted_.fund.all) return true;
  Sat needed{(wanted_.count - wanted_.amounts.size()) * bitcoin::channel_dust.value};
  for (const auto amount : wanted_.amounts) needed = needed + amount;
  return excess >= needed;
}

void TxprepareDryRun::ask_address() {
  calls_.client.newaddr(calls_.local<std::string>("newaddr", [this](const Result<std::string>& address) {
    if (!address) return finish(address.error());
    address_ = *address;
    ask_height();
  }));
}

void TxprepareDryRun::ask_height() {
  using lightningd::NodeInfo;
  calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", [this](const Result<NodeInfo>& node) {
    if (!node) return finish(node.error());
    announce(node->blockheight);
  }));
}

void TxprepareDryRun::announce(std::uint32_t height) {
  ledger_->reservation.announce_prepare(inputs_, height, calls_.settings.first_reservation);
  save_([this](const Result<void>& saved) {
    if (saved) return prepare();
    ledger_->reservation.released();
    finish(saved.error());
  });
}

void TxprepareDryRun::prepare() {
  auto guarded = calls_.local<Txid>("txprepare", [this](const Result<Txid>& answer) { prepared(answer); });
  ledger_->reservation.prepare_sent();
  book_.asks_for(inputs_, ledger_);
  calls_.client.txprepare(
      placeholders(wanted_, address_), wanted_.fund.feerate, inputs_,
      [ledger = ledger_, &book = book_, inputs = inputs_, guarded = std::move(guarded)](Result<Txid> answer) mutable {
        const bool nothing = !answer && refused(answer.error());
        ledger->reservation.prepare_answered(answer, nothing);
        if (nothing) book.does_not_get(inputs, *ledger);
        for (const auto& input : inputs) {
          if (answer) book.reserved(input, ledger->id);
        }
        guarded(std::move(answer));
      });
}

void TxprepareDryRun::prepared(const Result<Txid>& answer) {
  if (!answer) {
    const bool taken = answer.error().code == lightningd::code::invalid_params;
    if (!refused(answer.error())) util::warn("it is in doubt whether txprepare has reserved inputs: looking for them");
    if (taken && !wanted_.choice.has_utxos && attempts_ < most_attempts) return choose();
    return finish(answer.error());
  }
  util::info("txprepare has made ", answer->hex(), " with ", wanted_.count, " placeholders");
  ask_latest();
}

// A node that catches up takes many blocks in a moment.
void TxprepareDryRun::ask_latest() {
  using lightningd::NodeInfo;
  calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", [this](const Result<NodeInfo>& node) {
    if (!node) return finish(node.error());
    ledger_->reservation.prepared_by(node->blockheight);
    save_([this](const Result<void>& saved) {
      if (!saved) return finish(saved.error());
      keep();
    });
  }));
}

void TxprepareDryRun::keep() {
  auto guarded =
      calls_.local<Reservations>("reserveinputs", [this](const Result<Reservations>& answer) { kept(answer); });
  ledger_->reservation.sent();
  calls_.client.reserveinputs(psbt_of(inputs_), false, calls_.settings.first_reservation,
                              [ledger = ledger_, guarded = std::move(guarded)](Result<Reservations> answer) mutable {
                                ledger->reservation.keep_answered(answer);
                                guarded(std::move(answer));
                              });
}

// The sum must be that of txprepare's blocks and ours: else another program came in between.
void TxprepareDryRun::kept(const Result<Reservations>& answer) {
  if (!answer) return finish(answer.error());
  const auto& prepared = ledger_->reservation.prepared;
  if (!prepared) return finish(Error{-1, "the inputs were released meanwhile", {}});
  std::vector<Outpoint> taken;
  for (const auto& reservation : *answer) {
    const auto without = reservation.reserved_to_block - PreparedRecord::blocks;
    const auto height = without - prepared->kept;
    if (height < prepared->height || height > prepared->latest) taken.push_back(reservation.outpoint);
    heights_[reservation.outpoint] = without;
  }
  if (!taken.empty()) return give_back(taken);
  if (heights_.size() != inputs_.size()) return finish(Error{-1, "an input is not reserved any more", {}});
  look_again();
}

// The answer may have been late, and txdiscard takes its blocks away from whoever has reserved the inputs by now.
void TxprepareDryRun::look_again() {
  context::look_at_coins(calls_, [this](const Result<Outputs>& outputs) {
    if (!outputs) return finish(outputs.error());
    std::size_t same = 0;
    for (const auto& output : *outputs) {
      const auto height = heights_.find(output.outpoint);
      const bool ours = height != heights_.end() && output.reserved;
      if (ours && output.reserved_to_block == height->second + PreparedRecord::blocks) ++same;
    }
    if (same == heights_.size()) return discard();
    finish(Error{-1, "another program has freed or reserved an input meanwhile", {}});
  });
}

// Exactly what was added to theirs.
void TxprepareDryRun::give_back(const std::vector<Outpoint>& taken) {
  const Error error{-1, str("input ", taken.front().str(), " was taken by another program meanwhile"), {}};
  calls_.client.unreserveinputs(
      psbt_of(taken), calls_.settings.first_reservation,
      calls_.local<Reservations>("unreserveinputs", [this, error](const Result<Reservations>&) { finish(error); }));
}

void TxprepareDryRun::discard() {
  auto guarded = calls_.local<void>("txdiscard", [this](const Result<void>& answer) {
    if (!answer) return finish(answer.error());
    propose();
  });
  ledger_->reservation.sent();
  calls_.client.txdiscard(
      *ledger_->reservation.prepared->txid,
      [ledger = ledger_, heights = heights_, guarded = std::move(guarded)](Result<void> answer) mutable {
        ledger->reservation.discard_answered(answer.ok(), heights);
        guarded(std::move(answer));
      });
}

void TxprepareDryRun::propose() {
  calls_.client.utxopsbt(wanted_.fund, inputs_, true, calls_.local<Funded>("utxopsbt", [this](Result<Funded> answer) {
    finish(std::move(answer));
  }));
}

void TxprepareDryRun::finish(Result<Funded> result) { std::exchange(then_, nullptr)(std::move(result)); }

// --- Undoing ---

void TxprepareDryRun::discard_what_is_left(util::Function<void()> then) {
  const auto& prepared = ledger_->reservation.prepared;
  if (!prepared || !prepared->txid) return then();
  auto look = [this, txid = *prepared->txid, then = std::move(then)](const Result<Outputs>& outputs) mutable {
    if (!outputs) return then();
    discard_these(txid, *outputs, std::move(then));
  };
  context::look_at_coins(calls_, std::move(look));
}

void TxprepareDryRun::discard_these(const Txid& txid, const Outputs& outputs, util::Function<void()> then) {
  const auto& record = ledger_->reservation;
  Heights heights;
  for (const auto& output : outputs) {
    if (!record.heights.contains(output.outpoint) || !output.reserved) continue;
    if (!record.prepared->includes(output.reserved_to_block)) continue;
    heights[output.outpoint] = output.reserved_to_block - PreparedRecord::blocks;
  }
  if (heights.size() != record.heights.size()) return then();
  auto guarded = calls_.local<void>("txdiscard", [txid, then = std::move(then)](const Result<void>& discarded) mutable {
    if (!discarded) util::info("txdiscard ", txid.hex(), ": ", discarded.error().message);
    then();
  });
  ledger_->reservation.sent();
  calls_.client.txdiscard(txid,
                          [ledger = ledger_, heights, guarded = std::move(guarded)](Result<void> discarded) mutable {
                            ledger->reservation.discard_answered(discarded.ok(), heights);
                            guarded(std::move(discarded));
                          });
}

}  // namespace wallet
