#include "bumps/leftovers.hpp"

#include <algorithm>
#include <utility>

#include "chain/chain_look.hpp"
#include "chain/depth.hpp"
#include "psbt/psbt.hpp"
#include "util/log.hpp"

namespace bumps {

using bitcoin::Outpoint;
using bitcoin::Txid;
using lightningd::for_good;
using lightningd::OutputStatus;
using lightningd::WalletOutput;
using util::Result;

namespace {

/// Blocks, a day: from then on a record is looked at less often, when no reservation of it ends soon.
constexpr std::uint32_t long_ago = 144;
constexpr std::uint32_t seldom = 36;

/// nullptr when the wallet does not show it: it does not have it, or has seen it spent in a block.
const WalletOutput* find(const std::vector<WalletOutput>& outputs, const Outpoint& outpoint) {
  const auto found = std::find_if(outputs.begin(), outputs.end(),
                                  [&outpoint](const WalletOutput& output) { return output.outpoint == outpoint; });
  return found == outputs.end() ? nullptr : &*found;
}

util::SharedText psbt_of(const Outpoint& outpoint) { return util::share(psbt::Psbt::spending({outpoint}).base64(0)); }

}  // namespace

void Leftovers::block_added(std::uint32_t height) {
  told_height_ = height;
  const auto& all = bumps_.all();
  const bool due = std::any_of(all.begin(), all.end(), [height](const Bump& bump) {
    const bool lapses = std::any_of(bump.held.begin(), bump.held.end(), [height](const HeldOutput& output) {
      return output.reserved_to_block < height + seldom;
    });
    return height < bump.decided_at + long_ago || bump.decided_at == 0 || bump.reserved_to_block > 0 || lapses;
  });
  if (due || height % seldom == 0) look();
}

// What getinfo shows is the height that gossipd has heard of, which may be the one before a block that was just told
// (v26.06.6).
void Leftovers::look() {
  if (!bumps_.known() || bumps_.all().empty()) return;
  if (std::exchange(looking_, true)) {
    again_ = true;
    return;
  }
  auto told = [this](const Result<lightningd::NodeInfo>& info) {
    if (!info) return next();
    height_ = std::max(info->blockheight, told_height_);
    look_at_transactions();
  };
  client_.getinfo(calls().local<lightningd::NodeInfo>("getinfo", std::move(told)));
}

void Leftovers::look_at_transactions() {
  auto listed = [this](const Result<Recorded>& recorded) {
    if (!recorded) return next();
    bumps_.compare(*recorded);
    look_at_coins(*recorded);
  };
  chain::ChainLook(client_).all_recorded(calls().local<Recorded>("listtransactions", std::move(listed)));
}

void Leftovers::look_at_coins(const Recorded& recorded) {
  client_.listfunds(calls().local<Outputs>("listfunds", [this, recorded](const Result<Outputs>& outputs) {
    for (const auto& bump : bumps_.all()) {
      if (outputs) plan(bump, recorded, *outputs);
    }
    next();
  }));
}

bool Leftovers::is_deep(std::uint32_t block) const { return chain::is_deep(block, height_); }

Leftovers::Fate Leftovers::fate_of(const Bump& bump, const Recorded& recorded) const {
  if (!is_in_block(bump.shown.parent, recorded)) return is_deep(bump.decided_at) ? Fate::lost : Fate::open;
  if (const auto spent_at = bump.spent_at(recorded); spent_at > 0) return is_deep(spent_at) ? Fate::spent : Fate::open;
  return is_deep(bump.decided_at) ? Fate::settled : Fate::open;
}

// Change that the wallet does not show is no proof: while lightningd reads old blocks again, at its start, it is not
// shown, and what has spent it seems to be in no block.
void Leftovers::plan(const Bump& bump, const Recorded& recorded, const Outputs& outputs) {
  const auto& parent = bump.shown.parent;
  const auto fate = fate_of(bump, recorded);
  steps_.push_back([this] {
    failed_ = false;
    next();
  });
  for (const auto& txid : fate == Fate::open ? bump.dead(recorded) : bump.all_but_spender(recorded)) {
    const auto* const output = find(outputs, {txid, 0});
    if (output == nullptr || output->status != OutputStatus::unconfirmed) continue;
    if (fate == Fate::lost || fate == Fate::spent) {
      if (is_reserved_for_good(*output, height_)) continue;
      steps_.push_back([this, txid] { if_absent({txid, 0}, [this, txid] { reserve_for_good({txid, 0}); }); });
    } else if (!output->reserved) {
      steps_.push_back([this, parent, txid] { if_absent({txid, 0}, [this, parent, txid] { hold(parent, txid); }); });
    }
  }
  for (const auto& held : bump.held) {
    if (!is_in_block(held.bump, recorded)) continue;
    const auto* const output = find(outputs, {held.bump, 0});
    const bool ours = output != nullptr && output->reserved && bump.holds(held.bump, output->reserved_to_block);
    steps_.push_back([this, parent, txid = held.bump, ours] {
      auto freed = [this, parent, txid] {
        bumps_.let_go(parent, txid);
        next();
      };
      ours ? free({txid, 0}, settings_.sent_reservation, std::move(freed)) : freed();
    });
  }
  plan_end(bump, recorded, outputs, fate);
}

void Leftovers::plan_end(const Bump& bump, const Recorded& recorded, const Outputs& outputs, Fate fate) {
  if (fate == Fate::open) return;
  const auto& parent = bump.shown.parent;
  const auto* const change = find(outputs, bump.spends);
  const bool ours = change != nullptr && change->reserved && bump.explains(change->reserved_to_block);
  if (fate == Fate::settled && ours) {
    const auto blocks = change->reserved_to_block > height_ ? change->reserved_to_block - height_ : 0;
    return steps_.push_back([this, spends = bump.spends, blocks] { free_change(spends, blocks); });
  }
  const bool is_free = change != nullptr && !change->reserved;
  if (fate == Fate::settled && is_free && bump.reserved_to_block > 0) bumps_.change_freed(parent);
  if (fate == Fate::settled && bump.is_recorded(recorded)) return;  // any of them may come back, and confirm
  if (fate == Fate::lost && change != nullptr && !is_reserved_for_good(*change, height_)) {
    steps_.push_back([this, spends = bump.spends] { reserve_for_good(spends); });
  }
  steps_.push_back([this, parent] { failed_ ? next() : end_record(parent); });
}

void Leftovers::next() {
  if (!steps_.empty()) {
    auto step = std::move(steps_.front());
    steps_.pop_front();
    return step();
  }
  looking_ = false;
  if (std::exchange(again_, false)) look();
}

// Nobody but the record knows what is still to be done: it stays, and the next look tries again.
void Leftovers::failed() {
  failed_ = true;
  next();
}

// On record first, with the height to which it will be reserved: by that it is known to be ours. When this is refused,
// it may be reserved all the same: by an attempt before, which lightningd has carried out late.
void Leftovers::hold(const Txid& parent, const Txid& bump) {
  const HeldOutput output{bump, height_ + settings_.sent_reservation};
  auto reserved = [this, parent, output](const Result<Reservations>& answer) {
    if (answer && answer->size() == 1 && answer->front().reserved_to_block != output.reserved_to_block) {
      bumps_.hold(parent, {output.bump, answer->front().reserved_to_block}, [](const Result<void>&) {});
    }
    next();
  };
  auto saved = [this, bump, reserved = std::move(reserved)](const Result<void>& done) mutable {
    done ? reserve({bump, 0}, settings_.sent_reservation, true, std::move(reserved)) : next();
  };
  bumps_.hold(parent, output, scope_.guard<Result<void>>("the record of a bump", std::move(saved)));
}

void Leftovers::reserve(const Outpoint& output, std::uint32_t blocks, bool exclusive,
                        lightningd::Reply<Reservations> then) {
  auto answered = [output, then = std::move(then)](const Result<Reservations>& answer) mutable {
    if (!answer) {
      util::info("the output ", output.str(),
                 " of a bump that cannot confirm is not reserved: ", answer.error().message);
    }
    then(answer);
  };
  client_.reserveinputs(psbt_of(output), exclusive, blocks,
                        calls().local<Reservations>("reserveinputs", std::move(answered)));
}

void Leftovers::reserve_for_good(const Outpoint& output) {
  reserve(output, for_good, false, [this](const Result<Reservations>& done) { done ? next() : failed(); });
}

void Leftovers::free(const Outpoint& output, std::uint32_t blocks, util::Function<void()> then) {
  auto answered = [this, then = std::move(then)](const Result<Reservations>& freed) mutable {
    freed ? then() : failed();
  };
  client_.unreserveinputs(psbt_of(output), blocks, calls().local<Reservations>("unreserveinputs", std::move(answered)));
}

// A bump may still be in the mempool when its transaction is that deep: then bitcoind does not show the change.
void Leftovers::free_change(const Outpoint& change, std::uint32_t blocks) {
  auto told = [this, change, blocks](const Result<bool>& unspent) {
    if (!unspent || !*unspent) return next();
    auto freed = [this, change] {
      bumps_.change_freed(change.txid);
      next();
    };
    blocks > 0 ? free(change, blocks, std::move(freed)) : freed();
  };
  chain::ChainLook(client_).is_unspent(change, calls().local<bool>("getutxout", std::move(told)));
}

// The last look before it is reserved: one that bitcoind has may confirm.
void Leftovers::if_absent(const Outpoint& output, util::Function<void()> then) {
  auto told = [this, then = std::move(then)](const Result<bool>& unspent) mutable {
    if (!unspent || *unspent) return failed();
    then();
  };
  chain::ChainLook(client_).is_unspent(output, calls().local<bool>("getutxout", std::move(told)));
}

void Leftovers::end_record(const Txid& parent) {
  bumps_.remove(parent);
  next();
}

}  // namespace bumps
