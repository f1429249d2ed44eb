#include "ledger/ledger.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ledger {

namespace {

constexpr std::array phase_names{std::pair{BatchPhase::begun, "begun"}, std::pair{BatchPhase::opening, "opening"},
                                 std::pair{BatchPhase::completing, "completing"},
                                 std::pair{BatchPhase::waiting, "waiting"}, std::pair{BatchPhase::sending, "sending"}};

}  // namespace

const char* name_of(BatchPhase phase) {
  for (const auto& [value, text] : phase_names) {
    if (value == phase) return text;
  }
  return "unknown";
}

std::optional<BatchPhase> batch_phase_named(std::string_view name) {
  for (const auto& [value, text] : phase_names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

void Ledger::labelled(std::optional<request::UserLabel> label) { user_label = std::move(label); }

void Ledger::only_asks() {
  inquiry = true;
  for (const auto& opening : openings) opening->only_asks();
}

std::shared_ptr<OpeningRecord> Ledger::add_opening(const request::Destination& destination) {
  openings.push_back(std::make_shared<OpeningRecord>(OpeningRecord::of(id, destination)));
  return openings.back();
}

void Ledger::comes_to(BatchPhase next) { phase = next; }

void Ledger::plan_made(FundingPlan made) { plan = std::move(made); }

void Ledger::plan_dropped() { plan.reset(); }

void Ledger::given_up() { phase = BatchPhase::completing; }

void Ledger::not_given_up(const std::optional<bitcoin::Txid>& sent) {
  phase = BatchPhase::sending;
  sending = sent;
}

void Ledger::waits_again() {
  phase = BatchPhase::waiting;
  sending.reset();
}

void Ledger::send_begins() { sending = plan->txid; }

void Ledger::counts_as_sent() { sending = plan->txid; }

void Ledger::proven_unsent() { sending.reset(); }

void Ledger::sendpsbt_sent() { send_in_flight_ = true; }

void Ledger::sendpsbt_answered(bool lost) {
  send_in_flight_ = false;
  if (lost) send_lost_until_ = until_looked_at;
}

void Ledger::looked_at(std::chrono::milliseconds now, std::chrono::milliseconds quiet) {
  if (send_lost_until_ == until_looked_at) send_lost_until_ = now + quiet;
}

std::optional<AbortRecord> Ledger::abort_begins(AbortRecord record) { return std::exchange(abort, std::move(record)); }

void Ledger::abort_not_begun(std::optional<AbortRecord> replaced) { abort = std::move(replaced); }

void Ledger::abort_lost() { abort.reset(); }

bool Ledger::may_still_be_sent(std::chrono::milliseconds now) const {
  return send_in_flight_ || now < send_lost_until_;
}

bool Ledger::may_undo(const OpeningRecord& opening) const {
  const auto kept = sending ? sending : waits() && plan ? std::optional(plan->txid) : std::nullopt;
  return opening.stage != Stage::none && !(kept && opening.outpoint && opening.outpoint->txid == *kept);
}

std::optional<bitcoin::Outpoint> Ledger::outpoint_of(std::size_t opening) const {
  if (!plan || !plan->outnums[opening]) return std::nullopt;
  return bitcoin::Outpoint{plan->txid, *plan->outnums[opening]};
}

bitcoin::Outpoint Ledger::first_funding() const {
  const auto& outnums = plan->outnums;
  const auto first =
      std::find_if(outnums.begin(), outnums.end(), [](const auto& number) { return number.has_value(); });
  return {plan->txid, first == outnums.end() ? 0 : **first};
}

bool Ledger::policy_pending(std::size_t opening) const {
  const auto& policy = openings[opening]->policy;
  return sending && outpoint_of(opening) && policy && policy->state == request::PolicyRecord::State::pending;
}

bool Ledger::any_policy_pending() const {
  for (std::size_t i = 0; i < openings.size(); ++i) {
    if (policy_pending(i)) return true;
  }
  return false;
}

std::shared_ptr<Ledger> Ledger::copy_with(ReservationRecord other) const {
  auto copy = std::make_shared<Ledger>(id, begun);
  copy->user_label = user_label;
  copy->phase = phase;
  copy->plan = plan;
  copy->reservation = std::move(other);
  copy->sending = sending;
  copy->abort = abort;
  copy->inquiry = inquiry;
  return copy;
}

std::shared_ptr<const Ledger> Ledger::with(ReservationRecord other) const {
  auto copy = copy_with(std::move(other));
  copy->openings = openings;
  return copy;
}

// An opening with an output in the transaction may be a channel by now; any other may be waiting.
std::shared_ptr<Ledger> Ledger::doubted() const {
  auto copy = copy_with(reservation.doubted());
  if (copy->plan) copy->plan->is_change_ours = false;
  if (copy->abort) copy->abort->is_script_ours = false;
  for (std::size_t i = 0; i < openings.size(); ++i) {
    copy->openings.push_back(openings[i]->doubted());
    auto& opening = *copy->openings.back();
    opening.batch = id;
    opening.label = label_of(opening, i);
    opening.outpoint = outpoint_of(i);
    if (phase != BatchPhase::begun) opening.stage = opening.outpoint ? Stage::completing : Stage::started;
  }
  return copy;
}

}  // namespace ledger
