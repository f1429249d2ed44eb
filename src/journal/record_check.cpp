#include "journal/record_check.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "bitcoin/transaction.hpp"
#include "journal/payment_format.hpp"
#include "params/params.hpp"
#include "psbt/psbt.hpp"
#include "util/bytes.hpp"
#include "util/str.hpp"

namespace journal {

using bitcoin::Outpoint;
using bitcoin::Sat;
using util::Error;
using util::Result;
using util::str;

namespace {

constexpr std::int64_t year_2200 = 7'258'118'400;
/// No sum of four heights below it is too large for 32 bits.
constexpr std::uint32_t too_high = bitcoin::first_time_locktime;
/// Two weeks: nobody waits so long for txprepare.
constexpr std::uint32_t furthest_apart = 2'016;

Error impossible(const std::string& what) { return Error{-1, str("it contradicts itself: ", what), {}}; }

Result<void> check_name(const ledger::Ledger& ledger) {
  const auto id = util::from_hex(ledger.id);
  if (!id || id->size() != 16 || util::to_hex(*id) != ledger.id) return impossible("batch: not the id of a batch");
  if (ledger.user_label && !params::is_short_text(ledger.user_label->text)) return impossible("label: none of ours");
  if (ledger.begun < 0 || ledger.begun > year_2200) return impossible("begun: no time of ours");
  return {};
}

Result<void> check_policy(const lightningd::ChannelPolicy& policy) {
  if (policy.feebase && policy.feebase->value > UINT32_MAX) return impossible("feebase: too large");
  return {};
}

Result<void> check_openings(const ledger::Ledger& ledger) {
  std::set<lightningd::NodeId> peers;
  for (const auto& opening : ledger.openings) {
    if (!peers.insert(opening->peer).second) return impossible(str("twice: ", opening->peer.hex()));
    auto amounts = opening->earlier;
    amounts.push_back(opening->planned);
    if (std::any_of(amounts.begin(), amounts.end(), [](Sat amount) { return amount > bitcoin::max_money; })) {
      return impossible("more than 21 million btc");
    }
    if (!opening->memo.empty() && !params::is_short_text(opening->memo)) return impossible("memo: none of ours");
    if (!opening->policy) continue;
    if (auto checked = check_policy(opening->policy->wanted); !checked) return checked;
  }
  return {};
}

Result<void> check_reservation(const ledger::ReservationRecord& reservation) {
  std::vector<std::uint32_t> numbers{reservation.blocks, reservation.doubtful_blocks, reservation.sent_blocks,
                                     reservation.renewed_at.value_or(0)};
  for (const auto& [input, height] : reservation.heights) numbers.push_back(height);
  if (const auto& prepared = reservation.prepared) {
    numbers.insert(numbers.end(), {prepared->latest, prepared->kept});
    if (prepared->latest < prepared->height || prepared->latest - prepared->height > furthest_apart) {
      return impossible("prepared: its heights are too far apart");
    }
  }
  const bool fits = std::all_of(numbers.begin(), numbers.end(), [](std::uint32_t n) { return n < too_high; });
  return fits ? Result<void>() : impossible("a height that no chain has");
}

/// An input map could name another sighash type, by which lightningd would sign.
Result<void> check_bare(psbt::Psbt psbt, const std::string& text) {
  psbt.strip();
  return psbt.base64(0) == text ? Result<void>() : impossible("psbt: holds more than its transaction");
}

/// Every input, none of them twice; before it may be signed, exactly what is reserved for it.
Result<void> check_inputs(const ledger::Ledger& ledger, const psbt::Psbt& psbt) {
  std::set<Outpoint> inputs;
  for (const auto& input : psbt.inputs()) {
    if (!inputs.insert(input.outpoint).second) return impossible(str("psbt: spends twice ", input.outpoint.str()));
  }
  const auto& heights = ledger.reservation.heights;
  for (const auto& [outpoint, height] : heights) {
    if (!inputs.contains(outpoint)) return impossible(str("psbt: does not spend ", outpoint.str()));
  }
  // None is, once they are freed because the transaction never can confirm: then nothing is signed any more.
  const bool freed = heights.empty();
  if (ledger.phase == ledger::BatchPhase::sending && heights.size() != inputs.size() && !freed) {
    return impossible("psbt: spends what is not reserved");
  }
  return inputs.empty() ? impossible("psbt: spends nothing") : Result<void>();
}

/// Every output is a channel's or a payment's, but for one that is the change.
Result<void> check_outputs(const ledger::Ledger& ledger, const psbt::Psbt& psbt) {
  const auto& outputs = psbt.outputs();
  std::vector<bool> paid(outputs.size());
  for (std::size_t i = 0; i < ledger.openings.size(); ++i) {
    const auto outnum = ledger.plan->outnums[i];
    if (!outnum) continue;
    if (*outnum >= outputs.size() || *outnum > UINT16_MAX) return impossible("outnum: the psbt has no such output");
    if (paid[*outnum]) return impossible("outnum: two channels have the same");
    if (!ledger.openings[i]->may_be(outputs[*outnum].amount)) return impossible("psbt: pays another amount");
    paid[*outnum] = true;
  }
  if (std::count(paid.begin(), paid.end(), true) == 0) return impossible("outnum: no channel has one");
  if (const auto found = find_payments(ledger.plan->payments, psbt, paid); !found) {
    return impossible(found.error().message);
  }
  const auto rest = std::count(paid.begin(), paid.end(), false);
  if (rest != (ledger.plan->change ? 1 : 0)) return impossible("psbt: has an output that is nobody's");
  if (rest == 0) return {};
  const auto at = std::find(paid.begin(), paid.end(), false) - paid.begin();
  const bool ours = outputs[static_cast<std::size_t>(at)].script == *ledger.plan->change;
  return ours ? Result<void>() : impossible("psbt: its change goes elsewhere");
}

}  // namespace

Result<void> check_record(const ledger::Ledger& ledger) {
  if (auto checked = check_name(ledger); !checked) return checked;
  if (auto checked = check_openings(ledger); !checked) return checked;
  if (auto checked = check_reservation(ledger.reservation); !checked) return checked;
  if (ledger.phase == ledger::BatchPhase::waiting && ledger.abort) return impossible("abort: of a batch that waits");
  if (!ledger.plan) return {};
  if (ledger.plan->waits_since >= too_high) return impossible("waits_since: a height that no chain has");
  const auto psbt = psbt::Psbt::from_base64(*ledger.plan->psbt);
  if (!psbt) return impossible(str("psbt: ", psbt.error().message));
  if (auto checked = check_bare(*psbt, *ledger.plan->psbt); !checked) return checked;
  if (auto checked = check_inputs(ledger, *psbt); !checked) return checked;
  return check_outputs(ledger, *psbt);
}

}  // namespace journal
