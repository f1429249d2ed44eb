#include "sim/monitor.hpp"

#include <algorithm>

#include "sim/coin_selection.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"

namespace sim {

using util::str;

namespace {

/// The longest that a call is held up, and the time between two.
constexpr spark::Duration between_calls{5'250};
constexpr spark::Duration between_prompt_calls{250};
constexpr std::size_t brief_id = 8;
constexpr std::ptrdiff_t txid_digits = 64;
/// With so many blocks to go, and so much time before the last of them, a reservation can be extended.
constexpr std::uint32_t blocks_to_go = 5;
constexpr spark::Duration time_to_extend{3'000};

}  // namespace

std::string describe(Invariant invariant, std::string_view text) {
  static constexpr const char* names[] = {
      "",
      "secured before signing",
      "nothing undone after sending",
      "nothing left",
      "one reply",
      "others untouched",
      "every destination once",
      "ends in time",
      "the transaction is right",
      "never crashes",
      "no secret logged",
      "signs only what is ours",
      "texts are clean",
      "inputs stay reserved",
      "told last",
      "told while all are there",
      "told in vain is known",
      "a label opens once",
      "sent by its user",
      "announced rightly",
      "a bump is ours",
      "recorded before signing",
  };
  const auto number = static_cast<std::size_t>(invariant);
  return str("invariant ", number, " (", names[number], "): ", text);
}

Monitor::Monitor(const Scene& scene, bool prompt)
    : wallet_(scene.wallet),
      peers_(scene.peers),
      chain_(scene.chain),
      users_(scene.users),
      prompt_(prompt),
      between_calls_(prompt ? between_prompt_calls : between_calls),
      tellings_(between_calls_) {}

void Monitor::told(const Peer& peer, const Opening& opening) {
  told_[opening.script] = opening.amount;
  tellings_.started(opening.script, {peer.id, peer.setup.kind, opening.began});
}

void Monitor::completing(const Peer& peer, const std::vector<bitcoin::TxOutput>& outputs, const Asked& asked,
                         spark::Duration now) {
  const Telling telling{batch_of(asked.origin), peer.id, peer.setup.kind, peer.opening->funding, asked.at, now};
  if (const auto wrong = tellings_.too_early(telling, outputs)) violation(Invariant::told_last, *wrong);
  if (const auto wrong = tellings_.in_vain(telling, outputs)) violation(Invariant::told_while_all_are_there, *wrong);
  tellings_.tell(telling);
}

std::size_t Monitor::pinging(const Peer& peer, bool refused, const Asked& asked) {
  return tellings_.ping({batch_of(asked.origin), peer.id, asked.at, refused, std::nullopt});
}

void Monitor::funding(const Coin& coin, std::uint32_t feerate) {
  const auto attempted = attempted_inputs_.find(coin.outpoint);
  // One that is reserved is only looked at: a batch whose reservation has lapsed meanwhile finds out afterwards.
  if (attempted != attempted_inputs_.end() && !wallet_.is_reserved(coin) && !coin.meddled &&
      is_alive(attempted->second)) {
    violation(Invariant::nothing_undone_after_sending,
              str("takes ", coin.outpoint.str(), ", which a transaction that was sent spends"));
  }
  feerates_[coin.outpoint].insert(feerate);
}

void Monitor::signing(const RawPsbt& psbt, const Asked& asked, spark::Duration now) {
  if (is_abort(psbt.transaction(), asked)) return check_abort(psbt.transaction(), asked, now);
  if (is_bump(psbt.transaction())) return check_bump(psbt.transaction(), asked, now);
  if (!nobody_hears_) check_commitments(psbt, "signed", asked, now);
  check_recorded(psbt.transaction().txid(), "signed", asked);
  check_payees(psbt, asked);
  check_reservations(psbt, asked);
}

/// A crash right after it leaves a record by which it is sent again, and not one by which its channels are removed.
void Monitor::check_recorded(const bitcoin::Txid& txid, const char* deed, const Asked& asked) {
  if (tampered_ || sending_recorded_.contains(batch_of(asked.origin))) return;
  violation(Invariant::recorded_before_signing, str(deed, " ", txid.hex(), ", although its record does not say so"));
}

/// A channel that has just vanished by its peer's error was ours all the same.
void Monitor::check_payees(const RawPsbt& psbt, const Asked& asked) {
  check_payments(psbt, asked, Invariant::signs_only_ours);
  const Wanted* wanted = wanted_by(asked);
  const auto& outputs = psbt.transaction().outputs;
  const auto txid = psbt.transaction().txid();
  std::size_t fundings = 0;
  for (std::uint32_t i = 0; i < outputs.size(); ++i) {
    const auto* channel = peers_.find_channel(bitcoin::Outpoint{txid, i});
    const bool funds = channel != nullptr && channel->opened_by_us && channel->amount == outputs[i].amount;
    if (funds || told_.contains(outputs[i].script)) {
      ++fundings;
    } else if (!wallet_.owns(outputs[i].script) && !(wanted && wanted->payments.contains(outputs[i].script))) {
      violation(Invariant::signs_only_ours, str("signed ", txid.hex(), ", whose output ", i, " is nobody's we know"));
    }
  }
  if (fundings == 0) violation(Invariant::signs_only_ours, str("signed ", txid.hex(), ", which funds no channel"));
}

void Monitor::sending(const RawPsbt& psbt, std::uint32_t version, const Asked& asked, spark::Duration now) {
  const auto& transaction = psbt.transaction();
  const auto txid = transaction.txid();
  if (version != 2) {
    violation(Invariant::transaction_is_right,
              str("sendpsbt got version ", version, ": the reservations are not checked"));
  }
  if (aborts_.contains(txid) || bumps_.contains(txid)) return;
  const auto aborting = aborting_since_.find(batch_of(asked.origin));
  if (!tampered_ && aborting != aborting_since_.end() && asked.at > aborting->second) {
    violation(Invariant::nothing_undone_after_sending, str("sent ", txid.hex(), " although its abort was signed"));
  }
  if (!by_user_.contains(txid)) check_commitments(psbt, "sent", asked, now);
  check_recorded(txid, "sent", asked);
  check_users_word(txid, asked);
  check_outputs(psbt, asked);
  check_fee(psbt);
  check_reserve(transaction, asked);
  attempted_.emplace(txid, transaction);
  for (const auto& input : transaction.inputs) attempted_inputs_[input.outpoint] = txid;
}

void Monitor::chosen(const Asked& asked, Choice choice) {
  if (const auto batch = batch_of(asked.origin); !batch.empty()) beside_dust_[batch] = std::move(choice);
}

void Monitor::proposed_again(const Asked& asked, const std::set<bitcoin::Outpoint>& coins, bitcoin::Sat change) {
  const auto found = beside_dust_.find(batch_of(asked.origin));
  if (found != beside_dust_.end() && found->second.all == coins) found->second.change = change;
}

void Monitor::check_reserve(const bitcoin::Transaction& transaction, const Asked& asked) {
  const auto found = beside_dust_.find(batch_of(asked.origin));
  if (found == beside_dust_.end() || transaction.inputs.size() != found->second.worthy.size()) return;
  for (const auto& input : transaction.inputs) {
    if (!found->second.worthy.contains(input.outpoint)) return;
  }
  bitcoin::Sat change;
  for (const auto& output : transaction.outputs) {
    if (plans_.contains(output.script)) change = output.amount;
  }
  if (change >= found->second.change) return;
  violation(Invariant::transaction_is_right, str("the change is ", change.value, " sat, and ",
                                                 found->second.change.value, " have to stay for emergencies"));
}

void Monitor::abort_confirmed(const std::string& batch) { abort_confirmed_.insert(batch.substr(0, brief_id)); }

bool Monitor::is_aborted(const std::string& batch) const {
  return abort_confirmed_.contains(batch.substr(0, brief_id));
}

/// What waits for its user is sent when he says so, or when he has sent it himself.
void Monitor::check_users_word(const bitcoin::Txid& txid, const Asked& asked) {
  const auto batch = batch_of(asked.origin);
  if (!waiting_.contains(batch) || finish_asked_.contains(batch) || chain_.has(txid)) return;
  violation(Invariant::sent_by_its_user, str("sent ", txid.hex(), ", for which its user has not asked"));
}

void Monitor::broadcast_by_user(const bitcoin::Transaction& transaction) {
  const auto txid = transaction.txid();
  by_user_.emplace(txid, transaction);
  for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) {
    if (peers_.find_channel({txid, i}) == nullptr) lost_by_user_.insert({txid, i});
  }
}

std::optional<bitcoin::TxOutput> Monitor::spent(const bitcoin::Outpoint& outpoint) const {
  const Coin* coin = wallet_.find(outpoint);
  return coin == nullptr ? users_.coin(outpoint) : std::optional(bitcoin::TxOutput{coin->amount, coin->script});
}

void Monitor::recorded(const std::string& batch, const util::Bytes& data) {
  const auto says = [&data](std::string_view words) {
    return std::search(data.begin(), data.end(), words.begin(), words.end()) != data.end();
  };
  const auto brief = batch.substr(0, brief_id);
  if (says(R"("phase":"waiting")")) waiting_.insert(brief);
  says(R"("phase":"sending")") ? void(sending_recorded_.insert(brief)) : void(sending_recorded_.erase(brief));
  static constexpr std::string_view word = R"("abort":{"txid":")";
  const auto found = std::search(data.begin(), data.end(), word.begin(), word.end());
  if (found == data.end()) return;
  const auto txid = found + std::ptrdiff_t{word.size()};
  if (data.end() - txid < txid_digits) return;
  aborts_recorded_[batch.substr(0, brief_id)].emplace(txid, txid + txid_digits);
}

bool Monitor::is_abort(const bitcoin::Transaction& transaction, const Asked& asked) const {
  return transaction.outputs.size() == 1 && wallet_.owns(transaction.outputs[0].script) &&
         !told_.contains(transaction.outputs[0].script) && abort_confirmed_.contains(batch_of(asked.origin));
}

/// On record before, with a coin of the batch that nobody else has reserved.
void Monitor::check_abort(const bitcoin::Transaction& transaction, const Asked& asked, spark::Duration now) {
  const auto batch = batch_of(asked.origin);
  const auto txid = transaction.txid();
  if (!aborts_recorded_[batch].contains(txid.hex())) {
    violation(Invariant::nothing_undone_after_sending, str("signed the abort ", txid.hex(), ", which is on no record"));
  }
  check_abort_fee(transaction);
  aborts_.insert(txid);
  aborting_since_.emplace(batch, now);
  for (const auto& input : transaction.inputs) {
    const Coin* coin = wallet_.find(input.outpoint);
    if (coin == nullptr) {
      violation(Invariant::signs_only_ours, str("signed ", txid.hex(), " with a coin not ours"));
      continue;
    }
    if (wallet_.is_reserved(*coin)) check_owner(*coin, "signed an abort with", asked);
    if (just_taken(*coin, asked, now) || coin->others_until <= wallet_.height) continue;
    violation(Invariant::others_untouched, str("signed with a coin that others have reserved: ", coin->outpoint.str()));
  }
}

bool Monitor::is_bump(const bitcoin::Transaction& transaction) const {
  return transaction.inputs.size() == 1 && transaction.outputs.size() == 1 &&
         attempted_.contains(transaction.inputs[0].outpoint.txid) && wallet_.owns(transaction.outputs[0].script);
}

void Monitor::check_bump(const bitcoin::Transaction& transaction, const Asked& asked, spark::Duration now) {
  const auto txid = transaction.txid();
  bumps_.insert(txid);
  if (!bump_asked_) violation(Invariant::bump_is_ours, str("signed the bump ", txid.hex(), ", which nobody wants"));
  if (bumps_recorded_.find(txid.hex()) == std::string::npos) {
    violation(Invariant::bump_is_ours, str("signed the bump ", txid.hex(), ", which is on no record"));
  }
  const Coin* coin = wallet_.find(transaction.inputs[0].outpoint);
  if (coin == nullptr) return violation(Invariant::bump_is_ours, str("signed ", txid.hex(), " with a coin not ours"));
  if (just_taken(*coin, asked, now) || coin->others_until <= wallet_.height) return;
  violation(Invariant::others_untouched, str("signed with a coin that others have reserved: ", coin->outpoint.str()));
}

/// Nothing for what spends coins of others.
std::optional<std::uint64_t> Monitor::fee_of(const bitcoin::Transaction& transaction) const {
  bitcoin::Sat in{0}, out{0};
  for (const auto& input : transaction.inputs) {
    const Coin* coin = wallet_.find(input.outpoint);
    if (coin == nullptr) return std::nullopt;
    in = in + coin->amount;
  }
  for (const auto& output : transaction.outputs) out = out + output.amount;
  return in < out ? std::nullopt : std::optional((in - out).value);
}

bool Monitor::is_spent_in_a_block(const bitcoin::Transaction& transaction) const {
  return std::any_of(transaction.inputs.begin(), transaction.inputs.end(), [&](const auto& input) {
    const auto spender = chain_.spender(input.outpoint);
    return spender && chain_.height(*spender);
  });
}

/// Wherever the batch's transaction is in a mempool, it is replaced. Once a block has one of its inputs, it is in none.
void Monitor::check_abort_fee(const bitcoin::Transaction& transaction) {
  const auto fee = fee_of(transaction);
  for (const auto& input : transaction.inputs) {
    const auto batch = attempted_inputs_.find(input.outpoint);
    // Where a third program has freed it, that may be another batch's: then bitcoind refuses the abort, until one is
    // mined.
    const Coin* coin = wallet_.find(input.outpoint);
    if (coin != nullptr && coin->meddled) continue;
    // One that bitcoind has refused, and that nobody keeps, is in no mempool.
    const bool gone = batch == attempted_inputs_.end() || withdrawn_.contains(batch->second) ||
                      is_spent_in_a_block(attempted_.at(batch->second));
    const auto other = gone ? std::nullopt : fee_of(attempted_.at(batch->second));
    if (!other || (fee && *fee > *other)) continue;
    return violation(Invariant::transaction_is_right,
                     str("an abort of ", fee.value_or(0), "sat does not replace what pays ", *other, "sat"));
  }
}

bool Monitor::is_impossible(const bitcoin::Transaction& transaction, std::uint32_t depth) const {
  return std::any_of(transaction.inputs.begin(), transaction.inputs.end(), [&](const auto& input) {
    const auto spender = chain_.spender(input.outpoint);
    const auto height = spender ? chain_.height(*spender) : std::nullopt;
    return height && *spender != transaction.txid() && *height + depth <= wallet_.height + 1;
  });
}

void Monitor::accepted(const bitcoin::Txid& txid) {
  refused_.erase(txid);
  if (withdrawn_.contains(txid)) {
    violation(Invariant::nothing_undone_after_sending, "sent after its channel was cancelled: " + txid.hex());
  }
}

std::size_t Monitor::channels_of(const bitcoin::Txid& txid) const {
  std::size_t found = 0;
  for (const auto& peer : peers_.all()) {
    for (const auto& channel : peer.channels) {
      if (channel.funding.txid == txid) ++found;
    }
  }
  return found;
}

bool Monitor::is_dead(const bitcoin::Transaction& transaction) const {
  if (withdrawn_.contains(transaction.txid())) return true;
  return std::any_of(transaction.inputs.begin(), transaction.inputs.end(), [&](const auto& input) {
    const auto spender = chain_.spender(input.outpoint);
    return spender && *spender != transaction.txid();
  });
}

bool Monitor::is_alive(const bitcoin::Txid& txid) const {
  const auto found = attempted_.find(txid);
  return found != attempted_.end() && !misled_ && !withdrawn_.contains(txid) && !is_impossible(found->second);
}

namespace {

constexpr std::string_view settlement = "\"batch-";

/// The last of the ascending times of this batch that is not after `end`.
template <class Looks>
spark::Duration last_until(const Looks& looks, const std::string& batch, spark::Duration end) {
  const auto found = looks.find(batch);
  if (found == looks.end()) return spark::Duration::min();
  const auto after = std::upper_bound(found->second.begin(), found->second.end(), end);
  return after == found->second.begin() ? spark::Duration::min() : *std::prev(after);
}

}  // namespace

void Monitor::named(const std::string& origin, const std::string& batch) {
  const auto brief = batches_[origin] = batch.substr(0, brief_id);
  for (const auto& [caller, wanted] : wanted_by_origin_) {
    if (origin.starts_with(caller + '/')) wanted_[brief] = wanted;
  }
}

std::string Monitor::batch_of(const std::string& origin) const {
  if (origin.starts_with(settlement)) return origin.substr(settlement.size(), brief_id);
  const auto found = batches_.find(origin);
  return found == batches_.end() ? std::string() : found->second;
}

void Monitor::looked(const std::string& origin, const std::optional<lightningd::NodeId>& peer, spark::Duration now) {
  (peer ? looks_at_peers_[*peer] : looks_)[batch_of(origin)].push_back(now);
}

void Monitor::looked_at_coins(const std::string& origin, spark::Duration now) {
  looks_at_coins_[batch_of(origin)].push_back(now);
}

spark::Duration Monitor::last_look(const Asked& asked) const {
  return last_until(looks_, batch_of(asked.origin), asked.at);
}

spark::Duration Monitor::last_look(const Asked& asked, const lightningd::NodeId& peer) const {
  const auto found = looks_at_peers_.find(peer);
  const auto at_all = last_look(asked);
  if (found == looks_at_peers_.end()) return at_all;
  return std::max(at_all, last_until(found->second, batch_of(asked.origin), asked.at));
}

/// Every funding output has its channel, with the commitment transactions exchanged. One that a peer's
/// error ends after the transaction was sent still has them. lightningd frees the inputs when it ends before,
/// and refuses to sign and send then; but another program may reserve them in the same moment, between our look
/// and our call, and nobody could help that.
void Monitor::check_commitments(const RawPsbt& psbt, const char* deed, const Asked& asked, spark::Duration now) {
  const auto& outputs = psbt.transaction().outputs;
  const auto txid = psbt.transaction().txid();
  for (std::uint32_t i = 0; i < outputs.size(); ++i) {
    if (!told_.contains(outputs[i].script)) continue;
    const Channel* channel = peers_.find_channel(bitcoin::Outpoint{txid, i});
    if (channel != nullptr && (channel->is_live() || attempted_.contains(txid))) continue;
    const auto failed = failed_.find(bitcoin::Outpoint{txid, i});
    const bool unseen = failed != failed_.end() && failed->second >= last_look(asked);
    if (unseen && now - failed->second < between_calls_) {
      if (std::string_view(deed) == "sent") lost_in_between_.insert(failed->first);
      continue;
    }
    violation(Invariant::secured_before_signing,
              str(deed, " ", txid.hex(), " although output ", i, " has no commitment"));
  }
}

const Monitor::Wanted* Monitor::wanted_by(const Asked& asked) const {
  const auto found = wanted_.find(batch_of(asked.origin));
  return found == wanted_.end() ? nullptr : &found->second;
}

bool Monitor::is_payment(const util::Bytes& script) const {
  return std::any_of(wanted_.begin(), wanted_.end(),
                     [&script](const auto& wanted) { return wanted.second.payments.contains(script); });
}

/// Each exactly once, with its amount, and not without the channels that the caller demands.
void Monitor::check_payments(const RawPsbt& psbt, const Asked& asked, Invariant invariant) {
  static constexpr bitcoin::Sat least_share{546};
  const Wanted* wanted = wanted_by(asked);
  if (wanted == nullptr) return;
  const auto& outputs = psbt.transaction().outputs;
  const auto txid = psbt.transaction().txid().hex();
  const auto channels = std::count_if(outputs.begin(), outputs.end(),
                                      [this](const auto& output) { return told_.contains(output.script); });
  bitcoin::Sat change;
  for (const auto& output : outputs) {
    if (wallet_.owns(output.script) && !wanted->payments.contains(output.script)) change = output.amount;
  }
  if (change < wanted->keep_change) {
    violation(invariant,
              str(txid, " leaves ", change.value, "sat of change: ", wanted->keep_change.value, " are wanted"));
  }
  if (wanted->payments.empty()) return;
  if (static_cast<std::size_t>(channels) < wanted->minchannels) {
    violation(invariant, str(txid, " pays with ", channels, " channels of ", wanted->minchannels));
  }
  for (const auto& [script, amount] : wanted->payments) {
    std::size_t times = 0;
    for (const auto& output : outputs) {
      if (output.script != script) continue;
      ++times;
      if (amount ? output.amount == *amount : output.amount >= least_share) continue;
      violation(invariant, str(txid, " pays ", output.amount.value, "sat, which nobody has asked for"));
    }
    if (times != 1) violation(invariant, str(txid, " pays ", times, " times to ", util::to_hex(script)));
  }
}

/// As lightningd's own withdraw marks what leaves the wallet, for its bookkeeper.
void Monitor::check_marks(const RawPsbt& psbt) {
  static const auto mark = *util::from_hex("fc096c696768746e696e6704");
  const auto& outputs = psbt.transaction().outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (psbt.has_output_field(i, mark) == is_payment(outputs[i].script)) continue;
    violation(Invariant::transaction_is_right, str("output ", i, " is marked wrongly for the bookkeeper"));
  }
}

void Monitor::check_outputs(const RawPsbt& psbt, const Asked& asked) {
  check_payments(psbt, asked, Invariant::transaction_is_right);
  check_marks(psbt);
  const Wanted* wanted = wanted_by(asked);
  const auto& outputs = psbt.transaction().outputs;
  std::size_t fundings = 0;
  for (const auto& output : outputs) {
    const auto told = told_.find(output.script);
    if (told != told_.end()) ++fundings;
    if (told != told_.end() && told->second != output.amount) {
      violation(Invariant::transaction_is_right,
                str("a funding output of ", output.amount.value, "sat: its peer was told ", told->second.value));
    }
    const bool known = wallet_.owns(output.script) || users_.owns(output.script) ||
                       (wanted && wanted->payments.contains(output.script));
    if (told == told_.end() && !known) {
      violation(Invariant::transaction_is_right, str("an output to nobody we know: ", util::to_hex(output.script)));
    }
  }
  if (fundings == 0) violation(Invariant::transaction_is_right, "sent a transaction that funds no channel");
}

/// By its change it is plain which plan a transaction follows; without, any plan for its coins may be it.
std::set<std::uint32_t> Monitor::planned_feerates(const bitcoin::Transaction& transaction) const {
  std::set<std::uint32_t> feerates;
  for (const auto& output : transaction.outputs) {
    if (const auto plan = plans_.find(output.script); plan != plans_.end()) return {plan->second};
  }
  for (const auto& input : transaction.inputs) {
    if (users_.coin(input.outpoint)) feerates.insert(users_.feerate());
    if (const auto found = feerates_.find(input.outpoint); found != feerates_.end())
      feerates.merge(std::set(found->second));
  }
  return feerates;
}

/// The fee is within 1 % of the feerate asked for, and enough for whole vbytes, as bitcoind counts; without change it
/// may keep what was too little for a change output.
void Monitor::check_fee(const RawPsbt& psbt) {
  const auto& transaction = psbt.transaction();
  bitcoin::Sat in{0}, out{0};
  for (const auto& input : transaction.inputs) {
    const auto output = spent(input.outpoint);
    if (!output) {
      return violation(Invariant::transaction_is_right, str("spends ", input.outpoint.str(), ", which is not ours"));
    }
    in = in + output->amount;
    if (losses_.contains(input.outpoint)) {
      violation(Invariant::transaction_is_right, str(input.outpoint.str(), " costs more than it brings"));
    }
  }
  // The highest dust limit of all, that of P2PKH: a user's change may have any script.
  const bool users_pay = !transaction.inputs.empty() && users_.coin(transaction.inputs[0].outpoint);
  const std::uint64_t dust = users_pay ? 546 : 330;
  bool change = false;
  for (const auto& output : transaction.outputs) {
    out = out + output.amount;
    change = change || wallet_.owns(output.script) || users_.owns(output.script);
  }
  if (in < out) return violation(Invariant::transaction_is_right, str("spends ", out.value, "sat of ", in.value));

  const auto fee = (in - out).value;
  const auto feerates = planned_feerates(transaction);
  const bool fits = std::any_of(feerates.begin(), feerates.end(), [&psbt, fee, change, dust](std::uint32_t feerate) {
    const auto asked = CoinSelection::fee(feerate, psbt.weight()).value;
    // lightningd is asked for a little more weight than there is (8 for rounding, 16 for longer counters).
    const auto dropped =
        change ? 0 : dust + CoinSelection::fee(feerate, CoinSelection::change_output_weight + 8 + 16).value;
    const auto tolerance = asked / 100 + 1;
    const auto vbytes = (psbt.weight() + 3) / 4;
    const bool covers_vbytes = fee * 1000 >= vbytes * 4 * feerate;
    return covers_vbytes && fee <= asked + tolerance + dropped;
  });
  if (fits) return;
  violation(Invariant::transaction_is_right, str("a fee of ", fee, "sat, for a weight of ", psbt.weight(), " and ",
                                                 feerates.empty() ? 0 : *feerates.begin(), " perkw"));
}

void Monitor::ending(const Channel& channel, const char* by) {
  closed_.insert(channel.funding);
  if (channel.others) {
    violation(Invariant::others_untouched, str(by, " hit a channel that is not ours: ", channel.id.hex()));
  }
  if (is_alive(channel.funding.txid)) {
    violation(Invariant::nothing_undone_after_sending, str(by, " after a send was attempted: ", channel.id.hex()));
  }
}

bool Monitor::can_never_confirm(const bitcoin::Txid& txid) const {
  const auto found = attempted_.find(txid);
  return found != attempted_.end() && is_impossible(found->second);
}

/// Nobody can see what comes after the look. A channel of another batch is no loss when its transaction is impossible.
void Monitor::cancelling(const Peer& peer, const Channel& channel, const Asked& asked) {
  const bool of_another = batch_of(asked.origin) != batch_of(channel.origin);
  const bool alive = of_another && !can_never_confirm(channel.funding.txid);
  const bool foreign = !channel.forged && (channel.others || alive);
  const auto look = last_look(asked, peer.id);
  if (foreign && (channel.began < look || look == spark::Duration::min())) {
    violation(Invariant::others_untouched,
              str("fundchannel_cancel hit a channel of ",
                  channel.others ? "another program: " : "another batch: ", channel.id.hex()));
  }
  const auto& txid = channel.funding.txid;
  if (refused_.contains(txid) && !chain_.has(txid) && channels_of(txid) == 1) {
    withdrawn_.insert(txid);
  } else if (is_alive(txid)) {
    violation(Invariant::nothing_undone_after_sending,
              str("fundchannel_cancel after a send was attempted: ", channel.id.hex()));
  }
}

/// Nobody can see what begins after the look.
void Monitor::ending(const Peer& peer, const Opening& opening, const char* by, const Asked& asked) {
  if (!opening.others) return;
  const auto look = last_look(asked, peer.id);
  if (look != spark::Duration::min() && opening.began >= look) return;
  violation(Invariant::others_untouched, str(by, " hit an opening that is not ours: ", opening.temporary_id.hex()));
}

bool Monitor::has_lapsed_slowly(const Coin& coin) const {
  if (!prompt_ || coin.meddled || coin.state != Coin::State::reserved || coin.owned_in_life != life_) return false;
  const auto last = mined_.find(coin.reserved_until);
  const auto early = mined_.find(coin.reserved_until - blocks_to_go);
  return last != mined_.end() && early != mined_.end() && last->second - early->second > time_to_extend;
}

/// A batch that undoes what it has done may let its reservation end; it signs nothing. Nor is it about one that was
/// begun before the plugin was started.
void Monitor::check_reservations(const RawPsbt& psbt, const Asked& asked) {
  if (asked.origin.starts_with(settlement)) return;
  for (const auto& input : psbt.transaction().inputs) {
    const Coin* coin = wallet_.find(input.outpoint);
    if (coin == nullptr || !coin->lapsed || coin->owner != batch_of(asked.origin)) continue;
    violation(Invariant::inputs_stay_reserved, str(input.outpoint.str(), " was free while the batch waited"));
  }
}

void Monitor::reserving(Coin& coin, const Asked& asked, spark::Duration now) const {
  coin.lapsed = coin.owner == batch_of(asked.origin) && !coin.owner.empty() && has_lapsed_slowly(coin);
  coin.owner = nobody_hears_ ? std::string() : batch_of(asked.origin);
  coin.owned_since = now;
  coin.owned_in_life = life_;
}

void Monitor::nobody_heard(const Asked& asked, spark::Duration now) {
  for (auto& coin : wallet_.coins()) {
    if (coin.owned_since == now && coin.owner == batch_of(asked.origin)) coin.owner.clear();
  }
}

/// The coin of another batch that still runs. Nobody can see what that does after the look; but it cannot do it
/// before the coin is free, and by whose call that is, is known. What was reserved just before a crash shows a height
/// only, and one crash ends both.
void Monitor::check_owner(const Coin& coin, const char* deed, const Asked& asked) {
  const auto batch = batch_of(asked.origin);
  if (batch.empty() || coin.owner.empty() || batch == coin.owner || coin.meddled) return;
  if (coin.owned_in_life != life_) return;
  if (coin.owned_since >= last_until(looks_at_coins_, batch, asked.at) && coin.freed_by != batch) return;
  violation(Invariant::others_untouched, str(deed, ' ', coin.outpoint.str(), ", which another batch has reserved"));
}

/// lightningd cannot be asked to free an input only if it still is ours: who takes it between our look
/// and our call loses it, and nobody could help that.
bool Monitor::just_taken(const Coin& coin, const Asked& asked, spark::Duration now) const {
  const auto look = last_until(looks_at_coins_, batch_of(asked.origin), asked.at);
  return look == spark::Duration::min() ? now - coin.taken_at < between_calls : coin.taken_at >= look;
}

void Monitor::unreserved(Coin& coin, const Asked& asked, spark::Duration now) {
  check_owner(coin, "unreserved", asked);
  if (!wallet_.is_reserved(coin)) coin.freed_by = batch_of(asked.origin);
  if (!just_taken(coin, asked, now) && coin.others_until > wallet_.height && coin.reserved_until < coin.others_until) {
    violation(Invariant::others_untouched, str("shortened a reservation of others: ", coin.outpoint.str()));
  }
  const auto attempted = attempted_inputs_.find(coin.outpoint);
  // A record from before there was a transaction does not tell that one was sent.
  if (attempted != attempted_inputs_.end() && is_alive(attempted->second) && !coin.meddled && !tampered_) {
    violation(Invariant::nothing_undone_after_sending,
              str("unreserved after a send was attempted: ", coin.outpoint.str()));
  }
}

void Monitor::freeing(Coin& coin, const Asked& asked, spark::Duration now) {
  // What is spent is nobody's any more; and a close that lightningd goes on with at its start is nobody's call.
  if (coin.state == Coin::State::spent || batch_of(asked.origin).empty()) return;
  if (wallet_.is_reserved(coin)) check_owner(coin, "close freed", asked);
  coin.freed_by = batch_of(asked.origin);
  if (just_taken(coin, asked, now) || !wallet_.is_reserved(coin) || coin.others_until <= wallet_.height) return;
  violation(Invariant::others_untouched, str("close freed a reservation of others: ", coin.outpoint.str()));
}

// As opened what was sent, as failed what never is, whatever the caller has heard.
void Monitor::announced(const std::string& topic, std::string_view params) {
  auto told = Announcements::read(topic, params, life_);
  if (!told) return violation(Invariant::announced_rightly, str("announced what cannot be read: ", topic, " ", params));
  const bool aborted = abort_confirmed_.contains(told->batch.substr(0, brief_id));
  if (const auto wrong = announcements_.too_many(*told, aborted)) violation(Invariant::announced_rightly, *wrong);
  const bool sent = told->txid && (attempted_.contains(*told->txid) || by_user_.contains(*told->txid));
  const bool there = told->txid && chain_.has(*told->txid) && !by_user_.contains(*told->txid);
  if (told->is("multifundchannel_opened") ? !sent : told->is("multifundchannel_failed") && there) {
    violation(Invariant::announced_rightly, str("announced by ", topic, ": ", told->content));
  }
  announcements_.add(std::move(*told));
}

// The signed transaction is the caller's, under its name and nowhere else.
void Monitor::forget_past() {
  tellings_ = Tellings(between_calls_);
  looks_.clear();
  looks_at_peers_.clear();
  looks_at_coins_.clear();
  secrets_.clear();
  log_.clear();
}

void Monitor::check_secrets(std::string_view text, std::string_view allowed, const char* deed) {
  for (const auto& secret : secrets_) {
    for (auto at = text.find(secret); at != std::string_view::npos; at = text.find(secret, at + 1)) {
      if (text.substr(0, at).ends_with(allowed)) continue;
      violation(Invariant::no_secret_logged, util::str(deed, " a signed PSBT or transaction"));
      break;
    }
  }
}

// A kept answer is a text within JSON.
void Monitor::stored(std::string_view text) { check_secrets(text, R"(\"tx\":\")", "stored"); }

void Monitor::said(std::string_view message) {
  check_secrets(message, R"("tx":")", "told");
  for (std::size_t at = 0; at < message.size(); ++at) {
    if (message[at] == '\n' || util::control_at(message, at) == 0) continue;
    return violation(Invariant::texts_are_clean, "a control character left the plugin as it is");
  }
}

void Monitor::logged(std::string line) {
  for (const auto& secret : secrets_) {
    if (line.size() >= secret.size() && line.find(secret) != std::string::npos) {
      violation(Invariant::no_secret_logged, "logged a signed PSBT or transaction");
    }
  }
  log_.push_back(std::move(line));
}

}  // namespace sim
