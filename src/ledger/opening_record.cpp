#include "ledger/opening_record.hpp"

#include <algorithm>
#include <utility>

#include "util/str.hpp"

namespace ledger {

namespace {

std::uint64_t accepted_starts = 0;

}  // namespace

std::string label_of(const std::string& batch) { return util::str("batch ", batch.substr(0, 8)); }

std::string label_of(const OpeningRecord& opening, std::size_t number) {
  return util::str(label_of(opening.batch), " peer ", number, " (", opening.peer.brief(), ")");
}

OpeningRecord OpeningRecord::of(const std::string& batch, const request::Destination& destination) {
  OpeningRecord record;
  record.peer = destination.id;
  record.batch = batch;
  record.planned = destination.amount;
  record.label = label_of(record, destination.index);
  if (destination.policy) record.policy = request::PolicyRecord{*destination.policy};
  record.memo = destination.memo;
  return record;
}

void OpeningRecord::only_asks() { inquiry = true; }

void OpeningRecord::connected(bool keeps) { keeps_told = keeps; }

void OpeningRecord::plans(bitcoin::Sat next) { planned = next; }

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

void OpeningRecord::missed_deadline() { silent = true; }

void OpeningRecord::policy_sent() { ++policy->attempts; }

void OpeningRecord::policy_answered(const util::Result<std::vector<std::string>>& answer) { policy->answered(answer); }

void OpeningRecord::undoing_begins() { undoing = true; }

void OpeningRecord::undoing_ends() { undoing = false; }

void OpeningRecord::not_undone() { doubtful = true; }

void OpeningRecord::when_answered(util::Function<void()> then) { on_answer_ = std::move(then); }

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
  auto copy = std::make_shared<OpeningRecord>();
  copy->peer = peer;
  copy->keeps_told = keeps_told;
  copy->accepted = accepted;
  copy->amount = planned;
  copy->planned = planned;
  copy->earlier = earlier;
  copy->memo = memo;
  if (stage != Stage::none && amount != planned) copy->earlier.insert(copy->earlier.begin(), amount);
  // What is applied or refused need not be done again.
  const bool pending = policy && policy->state == request::PolicyRecord::State::pending;
  if (pending) copy->policy = request::PolicyRecord{policy->wanted};
  return copy;
}

void OpeningRecord::answered() {
  in_flight = false;
  if (auto waiting = std::exchange(on_answer_, nullptr)) waiting();
}

}  // namespace ledger
