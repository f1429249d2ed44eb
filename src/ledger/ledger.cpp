#include "ledger/ledger.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "util/str.hpp"

namespace ledger {

namespace {

std::uint64_t accepted_starts = 0;

constexpr std::array phase_names{std::pair{BatchPhase::begun, "begun"}, std::pair{BatchPhase::opening, "opening"},
                                 std::pair{BatchPhase::completing, "completing"},
                                 std::pair{BatchPhase::waiting, "waiting"}, std::pair{BatchPhase::sending, "sending"}};

}  // namespace

std::string label_of(const std::string& batch) { return util::str("batch ", batch.substr(0, 8)); }

std::string label_of(const OpeningRecord& opening, std::size_t number) {
  return util::str(label_of(opening.batch), " peer ", number, " (", opening.peer.brief(), ")");
}

void OpeningRecord::start_sent(bitcoin::Sat wanted) {
  stage = Stage::starting;
  in_flight = true;
  if (doubtful && amount != wanted) earlier.push_back(amount);
  amount = wanted;
  planned = wanted;
  outpoint.reset();
}

void OpeningRecord::start_answered(bool ok, bool in_doubt) {
  if (ok) {
    stage = Stage::started;
    accepted = ++accepted_starts;
  } else if (in_doubt) {
    doubtful = true;
  } else if (!doubtful) {
    stage = Stage::none;
  }
  answered();
}

void OpeningRecord::complete_sent(const bitcoin::Outpoint& channel) {
  stage = Stage::completing;
  in_flight = true;
  outpoint = channel;
}

void OpeningRecord::complete_answered(bool ok, bool in_doubt, bool refused) {
  untold = refused;
  if (ok) {
    stage = Stage::completed;
  } else if (in_doubt) {
    doubtful = true;
  } else {
    stage = Stage::started;
  }
  answered();
}

void OpeningRecord::gone() {
  stage = Stage::none;
  doubtful = false;
  untold = false;
  earlier.clear();
  outpoint.reset();
}

bool OpeningRecord::may_be(bitcoin::Sat total) const {
  return total == amount || total == planned || std::find(earlier.begin(), earlier.end(), total) != earlier.end();
}

std::shared_ptr<OpeningRecord> OpeningRecord::doubted() const {
  auto copy = std::make_shared<OpeningRecord>(OpeningRecord{.peer = peer,
                                                            .keeps_told = keeps_told,
                                                            .accepted = accepted,
                                                            .amount = planned,
                                                            .planned = planned,
                                                            .earlier = earlier,
                                                            .memo = memo});
  if (stage != Stage::none && amount != planned) copy->earlier.insert(copy->earlier.begin(), amount);
  // What is applied or refused need not be done again.
  const bool pending = policy && policy->state == request::PolicyRecord::State::pending;
  if (pending) copy->policy = request::PolicyRecord{policy->wanted};
  return copy;
}

void OpeningRecord::answered() {
  in_flight = false;
  if (auto waiting = std::exchange(on_answer, nullptr)) waiting();
}

void Book::add(const std::shared_ptr<OpeningRecord>& record) {
  // Not each time: a batch adds thousands.
  if (records_.size() >= sweep_at_) {
    std::erase_if(records_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = 2 * records_.size() + 64;
  }
  records_.emplace(record->peer, record);
}

template <class Fits>
bool Book::any_other(const OpeningRecord& record, Fits fits) const {
  const auto [first, last] = records_.equal_range(record.peer);
  return std::any_of(first, last, [&record, &fits](const auto& entry) {
    const auto other = entry.second.lock();
    return other && other->batch != record.batch && fits(*other);
  });
}

bool Book::belongs_to_another(const OpeningRecord& record, bitcoin::Sat total) const {
  return any_other(record, [&record, total](const auto& other) {
    return other.stage != Stage::none && other.may_be(total) && other.accepted > record.accepted;
  });
}

bool Book::another_is_starting(const OpeningRecord& record) const {
  return any_other(record, [](const auto& other) {
    return other.stage == Stage::starting && other.in_flight && !other.doubtful;
  });
}

bool Book::another_is_opening(const OpeningRecord& record) const {
  return any_other(record, [](const auto& other) { return other.stage != Stage::none; });
}

bool Book::is_inquired(const OpeningRecord& record) const {
  return any_other(record, [](const auto& other) { return other.inquiry && other.stage != Stage::none; });
}

bool Book::another_may_open(const OpeningRecord& record) const {
  return any_other(record, [](const auto& other) {
    const bool uncommitted = other.stage == Stage::starting || other.stage == Stage::started;
    return uncommitted || other.in_flight || (other.doubtful && other.stage != Stage::none);
  });
}

std::shared_ptr<const Book::Cancel> Book::cancelling(const lightningd::NodeId& peer, std::chrono::milliseconds now) {
  std::erase_if(cancels_, [](const auto& cancel) { return cancel.expired(); });
  auto cancel = std::make_shared<const Cancel>(Cancel{peer, now});
  cancels_.push_back(cancel);
  return cancel;
}

bool Book::is_cancelling(const lightningd::NodeId& peer, std::chrono::milliseconds since) const {
  return std::any_of(cancels_.begin(), cancels_.end(), [&peer, since](const auto& entry) {
    const auto cancel = entry.lock();
    return cancel && cancel->peer == peer && cancel->sent >= since;
  });
}

bool Book::involves(const lightningd::NodeId& peer) const {
  const auto [first, last] = records_.equal_range(peer);
  return std::any_of(first, last, [](const auto& entry) { return !entry.second.expired(); });
}

void Book::reserved(const std::vector<lightningd::Reservation>& coins, const std::string& batch) {
  for (const auto& coin : coins) reserved(coin.outpoint, batch);
}

void Book::reserved_alone(const std::vector<lightningd::Reservation>& coins, const std::string& batch) {
  for (const auto& coin : coins) {
    if (!coin.was_reserved) reserved(coin.outpoint, batch);
  }
}

bool Book::another_has_reserved(const bitcoin::Outpoint& coin, const std::string& batch, std::uint64_t since) const {
  const auto found = coins_.find(coin);
  return found != coins_.end() && found->second.first != batch && found->second.second > since;
}

void Book::asks_for(const std::vector<bitcoin::Outpoint>& coins, const std::shared_ptr<const Ledger>& batch) {
  std::erase_if(asked_, [](const auto& asked) { return asked.second.expired(); });
  for (const auto& coin : coins) asked_.emplace(coin, batch);
}

void Book::does_not_get(const std::vector<bitcoin::Outpoint>& coins, const Ledger& batch) {
  for (const auto& coin : coins) {
    const auto first = first_asker(coin);
    if (first && first->id == batch.id) asked_.erase(coin);
  }
}

bool Book::another_has_asked_for(const bitcoin::Outpoint& coin, const Ledger& batch) const {
  const auto first = first_asker(coin);
  return first && first->id != batch.id;
}

std::shared_ptr<const Ledger> Book::first_asker(const bitcoin::Outpoint& coin) const {
  const auto found = asked_.find(coin);
  return found == asked_.end() ? nullptr : found->second.lock();
}

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

// An opening with an output in the transaction may be a channel by now; any other may be waiting.
std::shared_ptr<Ledger> Ledger::doubted() const {
  auto copy = std::make_shared<Ledger>(Ledger{.id = id,
                                              .begun = begun,
                                              .user_label = user_label,
                                              .phase = phase,
                                              .plan = plan,
                                              .reservation = reservation.doubted(),
                                              .sending = sending,
                                              .abort = abort,
                                              .inquiry = inquiry});
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
