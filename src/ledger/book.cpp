#include "ledger/book.hpp"

#include <algorithm>

#include "ledger/ledger.hpp"

namespace ledger {

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
  return any_other(
      record, [](const auto& other) { return other.stage == Stage::starting && other.in_flight && !other.doubtful; });
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

}  // namespace ledger
