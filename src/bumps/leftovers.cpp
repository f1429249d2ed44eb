#include "bumps/leftovers.hpp"

#include <algorithm>
#include <utility>

#include "chain/chain_look.hpp"
#include "psbt/psbt.hpp"
#include "util/log.hpp"

namespace bumps {

using bitcoin::Outpoint;
using bitcoin::Txid;
using lightningd::for_good;
using lightningd::WalletOutput;
using util::Result;

namespace {

/// As rivals::Rival has it.
constexpr std::uint32_t deep_enough = 6;

/// nullptr when the wallet does not have it, or has seen it spent in a block.
const WalletOutput* find(const std::vector<WalletOutput>& outputs, const Outpoint& outpoint) {
  const auto found = std::find_if(outputs.begin(), outputs.end(),
                                  [&outpoint](const WalletOutput& output) { return output.outpoint == outpoint; });
  return found == outputs.end() ? nullptr : &*found;
}

util::SharedText psbt_of(const Outpoint& outpoint) { return util::share(psbt::Psbt::spending({outpoint}).base64(0)); }

}  // namespace

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

bool Leftovers::is_deep(std::uint32_t block) const { return block > 0 && height_ + 1 >= block + deep_enough; }

Leftovers::Fate Leftovers::fate_of(const Bump& bump, const Recorded& recorded, const Outputs& outputs) const {
  if (!is_in_block(bump.shown.parent, recorded)) return is_deep(bump.decided_at) ? Fate::lost : Fate::open;
  if (const auto spent_at = bump.spent_at(recorded); spent_at > 0) return is_deep(spent_at) ? Fate::spent : Fate::open;
  if (!is_deep(bump.decided_at)) return Fate::open;
  // Spent it may be by what the wallet does not record: then it does not show it any more.
  return find(outputs, bump.spends) == nullptr ? Fate::spent : Fate::unspent;
}

// As long as nothing in a block spends the change, any of them may be sent again, and confirm.
void Leftovers::plan(const Bump& bump, const Recorded& recorded, const Outputs& outputs) {
  const auto& parent = bump.shown.parent;
  const auto fate = fate_of(bump, recorded, outputs);
  const bool is_final = fate == Fate::lost || fate == Fate::spent;
  steps_.push_back([this] {
    failed_ = false;
    next();
  });
  for (const auto& dead : is_final ? bump.all_but_spender(recorded) : bump.dead(recorded)) {
    const auto* const output = find(outputs, {dead, 0});
    if (output == nullptr || (output->reserved && !bump.holds(dead, output->reserved_to_block))) continue;
    if (is_final) {
      steps_.push_back([this, dead] { reserve_for_good({dead, 0}); });
    } else if (!output->reserved) {
      steps_.push_back([this, parent, dead] { hold(parent, dead); });
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
  const auto* const change = find(outputs, bump.spends);
  const bool reserved = change != nullptr && change->reserved;
  const bool ours = reserved && bump.reserved_to_block > 0 && bump.explains(change->reserved_to_block);
  if (fate == Fate::lost && change != nullptr && (ours || !reserved)) {
    steps_.push_back([this, spends = bump.spends] { reserve_for_good(spends); });
  }
  if (fate == Fate::lost || fate == Fate::spent) {
    steps_.push_back([this, parent = bump.shown.parent] { failed_ ? next() : end_record(parent); });
  }
  if (fate != Fate::unspent) return;
  const auto blocks = ours && change->reserved_to_block > height_ ? change->reserved_to_block - height_ : 0;
  std::vector<Txid> free_outputs;
  for (const auto& txid : bump.all_but_spender(recorded)) {
    const auto* const output = find(outputs, {txid, 0});
    if (output != nullptr && !output->reserved) free_outputs.push_back(txid);
  }
  steps_.push_back(
      [this, spends = bump.spends, blocks, free_outputs] { unless_in_mempool(spends, blocks, free_outputs); });
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

// Nobody but the record knows what is still to be done: it stays, and the next block tries again.
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

// A bump may still be in the mempool when its transaction is that deep: then bitcoind does not show the change. If it
// is not, it may come back as long as the change is unspent: lightningd sends it again at its next start.
void Leftovers::unless_in_mempool(const Outpoint& change, std::uint32_t blocks, const std::vector<Txid>& free_outputs) {
  auto told = [this, change, blocks, free_outputs](const Result<bool>& unspent) {
    if (!unspent || !*unspent) return next();
    auto freed = [this, change] {
      bumps_.change_freed(change.txid);
      next();
    };
    if (blocks > 0) {
      steps_.push_front([this, change, blocks, freed] { free(change, blocks, freed); });
    }
    for (const auto& bump : free_outputs) {
      steps_.push_front([this, change, bump] { hold(change.txid, bump); });
    }
    next();
  };
  chain::ChainLook(client_).is_unspent(change, calls().local<bool>("getutxout", std::move(told)));
}

void Leftovers::end_record(const Txid& parent) {
  bumps_.remove(parent);
  next();
}

}  // namespace bumps
