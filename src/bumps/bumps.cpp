#include "bumps/bumps.hpp"

#include <algorithm>
#include <utility>

#include "bitcoin/amounts.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "util/str.hpp"

namespace bumps {

using bitcoin::Txid;
using chain::WalletTransaction;
using lightningd::DatastoreKey;
using util::Error;
using util::Result;
using util::str;
using Recorded = std::vector<WalletTransaction>;

namespace {

/// More of them at a time would be a strange node.
constexpr std::ptrdiff_t most = 100;

/// Beside the batches' records.
const DatastoreKey& bumps_key() {
  static const DatastoreKey key{"multifundchannel", "bumps"};
  return key;
}

Error not_ours(const json::Value& value) { return Error{-1, str(value.path(), ": no bump of ours"), {}}; }

Result<Txid> read_txid(const json::Value& value) {
  const auto hex = value.string();
  const auto txid = hex ? Txid::from_hex(*hex) : std::nullopt;
  return txid ? Result<Txid>(*txid) : not_ours(value);
}

Result<Txid> read_txid(const json::Value& object, std::string_view name) {
  const auto value = object.field(name);
  return value ? read_txid(*value) : Result<Txid>(value.error());
}

/// 0 where the record of an older build has none.
Result<std::uint64_t> optional(const json::Value& value, std::string_view name) {
  return value.find(name) ? value.u64(name) : Result<std::uint64_t>(0);
}

Result<Bump> read_bump(const json::Value& value) {
  const auto parent = read_txid(value, "parent");
  const auto txid = read_txid(value, "txid");
  if (!parent) return parent.error();
  if (!txid) return txid.error();
  const auto batch = value.string("batch");
  const auto change = value.u64("change");
  const auto fee = value.u64("fee");
  const auto feerate = value.u64("feerate");
  const auto most_fee = optional(value, "most_fee");
  const auto reserved_to = optional(value, "reserved_to");
  const auto sent_blocks = optional(value, "sent_blocks");
  const auto state_name = value.string("state");
  const auto replaced = value.field("replaced");
  const auto state = state_name ? bump_state_named(*state_name) : std::nullopt;
  const bool complete =
      batch && change && fee && feerate && most_fee && reserved_to && sent_blocks && state && replaced;
  if (!complete || *change > UINT16_MAX || *fee > bitcoin::max_money.value || *feerate > INT32_MAX)
    return not_ours(value);
  if (*most_fee > bitcoin::max_money.value || *reserved_to > INT32_MAX || *sent_blocks > INT32_MAX)
    return not_ours(value);
  Bump bump{{std::string(*batch), *parent, *txid, bitcoin::Sat{*fee},
             bitcoin::Perkw{static_cast<std::uint32_t>(*feerate)}, *state},
            {*parent, static_cast<std::uint32_t>(*change)},
            std::max(bitcoin::Sat{*fee}, bitcoin::Sat{*most_fee}),
            static_cast<std::uint32_t>(*reserved_to),
            static_cast<std::uint32_t>(*sent_blocks)};
  for (const auto& one : replaced->elements()) {
    const auto before = read_txid(one);
    if (!before) return before.error();
    bump.replaced.push_back(*before);
  }
  const auto decided = optional(value, "decided_at");
  if (!decided || *decided > INT32_MAX) return not_ours(value);
  bump.decided_at = static_cast<std::uint32_t>(*decided);
  if (const auto held = value.find("held")) {
    for (const auto& one : held->elements()) {
      const auto of = read_txid(one, "bump");
      const auto to = one.u64("reserved_to");
      if (!of || !to || *to > INT32_MAX) return not_ours(value);
      bump.held.push_back({*of, static_cast<std::uint32_t>(*to)});
    }
  }
  return bump;
}

/// That is in a block; nullptr when there is none.
const WalletTransaction* find_spender(const bitcoin::Outpoint& outpoint, const Recorded& recorded) {
  const auto found = std::find_if(recorded.begin(), recorded.end(), [&outpoint](const WalletTransaction& one) {
    return one.blockheight > 0 && std::find(one.inputs.begin(), one.inputs.end(), outpoint) != one.inputs.end();
  });
  return found == recorded.end() ? nullptr : &*found;
}

/// The height of the block that has its transaction, or another that spends one of its inputs; 0: there is none.
std::uint32_t deciding_block(const Bump& bump, const Recorded& recorded) {
  const auto parent = std::find_if(recorded.begin(), recorded.end(),
                                   [&bump](const auto& one) { return one.txid == bump.shown.parent; });
  if (parent == recorded.end()) return 0;
  if (parent->blockheight > 0) return parent->blockheight;
  for (const auto& input : parent->inputs) {
    if (const auto* const rival = find_spender(input, recorded)) return rival->blockheight;
  }
  return 0;
}

}  // namespace

bool Bump::includes(const Txid& txid) const {
  return shown.txid == txid || std::find(replaced.begin(), replaced.end(), txid) != replaced.end();
}

bool Bump::explains(std::uint32_t reserved_to) const {
  if (reserved_to_block == 0) return false;
  return reserved_to == reserved_to_block || reserved_to == reserved_to_block + sent_blocks;
}

bool Bump::holds(const Txid& txid, std::uint32_t reserved_to) const {
  return std::any_of(held.begin(), held.end(), [&txid, reserved_to](const HeldOutput& output) {
    const auto to = output.reserved_to_block;
    return output.bump == txid && (reserved_to == to || reserved_to == to + 1);
  });
}

std::uint32_t Bump::spent_at(const Recorded& recorded) const {
  const auto* const spender = find_spender(spends, recorded);
  return spender == nullptr ? 0 : spender->blockheight;
}

std::vector<Txid> Bump::all_but_spender(const Recorded& recorded) const {
  auto all = replaced;
  all.push_back(shown.txid);
  if (const auto* const spender = find_spender(spends, recorded)) std::erase(all, spender->txid);
  return all;
}

bool Bump::is_recorded(const Recorded& recorded) const {
  return std::any_of(recorded.begin(), recorded.end(), [this](const auto& one) { return includes(one.txid); });
}

std::vector<Txid> Bump::dead(const Recorded& recorded) const {
  const bool is_lost = decided_at > 0 && !is_in_block(shown.parent, recorded);
  if (is_lost || spent_at(recorded) > 0) return all_but_spender(recorded);
  return shown.state == BumpState::sent ? replaced : std::vector<Txid>();
}

bool is_in_block(const Txid& txid, const Recorded& recorded) {
  return std::any_of(recorded.begin(), recorded.end(),
                     [&txid](const auto& one) { return one.txid == txid && one.blockheight > 0; });
}

std::string write_bumps(const std::deque<Bump>& bumps) {
  json::Writer out;
  out.object().key("bumps").array();
  for (const auto& bump : bumps) {
    out.object().field("batch", bump.shown.batch).field("parent", bump.shown.parent.hex());
    out.field("txid", bump.shown.txid.hex()).field("change", bump.spends.vout).field("fee", bump.shown.fee.value);
    out.field("feerate", bump.shown.feerate.value).field("state", name_of(bump.shown.state));
    out.field("most_fee", bump.most_fee.value)
        .field("reserved_to", bump.reserved_to_block)
        .field("sent_blocks", bump.sent_blocks);
    out.list("replaced", bump.replaced, &Txid::hex).field("decided_at", bump.decided_at).key("held").array();
    for (const auto& output : bump.held) {
      out.object().field("bump", output.bump.hex()).field("reserved_to", output.reserved_to_block).end();
    }
    out.end().end();
  }
  return out.end().end().take();
}

Result<std::deque<Bump>> read_bumps(std::string_view text) {
  const auto document = json::Document::parse(text, "bumps");
  if (!document) return document.error();
  const auto list = document->root().field("bumps");
  if (!list) return list.error();
  std::deque<Bump> bumps;
  for (const auto& value : list->elements()) {
    auto bump = read_bump(value);
    if (!bump) return bump.error();
    bumps.push_back(std::move(*bump));
  }
  return bumps;
}

Bumps::Bumps(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings,
             journal::SealSource& seals)
    : kept_(runtime, std::move(client), settings, seals) {}

void Bumps::read() {
  auto restore = [this](std::string_view text) {
    auto bumps = read_bumps(text);
    if (!bumps) return Result<void>(bumps.error());
    bumps_ = std::move(*bumps);
    return Result<void>();
  };
  kept_.read({bumps_key(), "the bumps of transactions", std::move(restore), [this] { return write_bumps(bumps_); }});
}

const Bump* Bumps::of(const Txid& parent) const {
  const auto found =
      std::find_if(bumps_.begin(), bumps_.end(), [&parent](const Bump& bump) { return bump.shown.parent == parent; });
  return found == bumps_.end() ? nullptr : &*found;
}

Bump* Bumps::find(const Txid& parent) {
  const auto found =
      std::find_if(bumps_.begin(), bumps_.end(), [&parent](const Bump& bump) { return bump.shown.parent == parent; });
  return found == bumps_.end() ? nullptr : &*found;
}

void Bumps::put(Bump bump, lightningd::Reply<void> then) {
  const auto parent = bump.shown.parent;
  const auto* const before = of(parent);
  if (before != nullptr) {
    bump.decided_at = before->decided_at;
    bump.held = before->held;
  }
  const auto open = std::count_if(bumps_.begin(), bumps_.end(), [](const Bump& one) { return one.decided_at == 0; });
  if (before == nullptr && open >= most) {
    return then(Error{-1, str(most, " transactions that are in no block are bumped already: not one more"), {}});
  }
  std::erase_if(bumps_, [&parent](const Bump& one) { return one.shown.parent == parent; });
  bumps_.push_back(std::move(bump));
  kept_.changed(std::move(then));
}

void Bumps::remove(const Txid& parent) {
  if (std::erase_if(bumps_, [&parent](const Bump& bump) { return bump.shown.parent == parent; }) > 0) kept_.changed();
}

void Bumps::hold(const Txid& parent, const HeldOutput& output, lightningd::Reply<void> then) {
  auto* const bump = find(parent);
  if (bump == nullptr) return then(Error{-1, "its record is gone", {}});
  std::erase_if(bump->held, [&output](const HeldOutput& one) { return one.bump == output.bump; });
  bump->held.push_back(output);
  kept_.changed(std::move(then));
}

void Bumps::let_go(const Txid& parent, const Txid& txid) {
  auto* const bump = find(parent);
  if (bump == nullptr) return;
  std::erase_if(bump->held, [&txid](const HeldOutput& one) { return one.bump == txid; });
  kept_.changed();
}

void Bumps::change_freed(const Txid& parent) {
  auto* const bump = find(parent);
  if (bump == nullptr) return;
  bump->reserved_to_block = 0;
  kept_.changed();
}

void Bumps::compare(const Recorded& recorded) {
  bool changed = false;
  for (auto& bump : bumps_) {
    const auto at = deciding_block(bump, recorded);
    changed = std::exchange(bump.decided_at, at) != at || changed;
    const bool is_sent =
        std::any_of(recorded.begin(), recorded.end(), [&bump](const auto& one) { return one.txid == bump.shown.txid; });
    if (!is_sent || bump.shown.state == BumpState::sent) continue;
    bump.shown.state = BumpState::sent;
    changed = true;
  }
  if (changed) kept_.changed();
}

}  // namespace bumps
