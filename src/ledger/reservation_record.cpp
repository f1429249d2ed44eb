#include "ledger/reservation_record.hpp"

#include <algorithm>
#include <utility>

namespace ledger {

using bitcoin::Outpoint;

void ReservationRecord::sent() {
  ++unanswered;
  freed = false;
}

void ReservationRecord::answered() {
  if (--unanswered > 0) return;
  if (auto waiting = std::exchange(on_answer_, nullptr)) waiting();
}

void ReservationRecord::when_answered(util::Function<void()> then) { on_answer_ = std::move(then); }

void ReservationRecord::released() {
  blocks = 0;
  doubtful_blocks = 0;
  answer_lost = false;
  renewed_at.reset();
  prepared.reset();
  sent_blocks = 0;
  renewed_since.clear();
  heights.clear();
}

ReservationRecord ReservationRecord::copy() const {
  ReservationRecord other;
  other.since = since;
  other.renewed_since = renewed_since;
  other.blocks = blocks;
  other.doubtful_blocks = doubtful_blocks;
  other.renewed_at = renewed_at;
  other.prepared = prepared;
  other.sent_blocks = sent_blocks;
  other.heights = heights;
  return other;
}

ReservationRecord ReservationRecord::doubted() const {
  auto other = copy();
  if (other.prepared) other.prepared->asked = true;
  return other;
}

ReservationRecord ReservationRecord::without_sent() const {
  auto other = copy();
  other.send_adds_nothing();
  return other;
}

ReservationRecord ReservationRecord::without(const std::vector<Outpoint>& inputs) const {
  auto other = copy();
  other.drop(inputs);
  return other;
}

void ReservationRecord::take_renewed(const ReservationRecord& copy) {
  renewed_at = copy.renewed_at;
  renewed_since = copy.renewed_since;
  blocks = copy.blocks;
  for (const auto& [input, height] : copy.heights) {
    if (copy.renewed_since.contains(input)) heights[input] = height;
    heights.try_emplace(input, height);
  }
}

bool ReservationRecord::ends_by(std::uint32_t height) const {
  return !prepared &&
         std::any_of(heights.begin(), heights.end(), [height](const auto& input) { return input.second <= height; });
}

bool ReservationRecord::explains(const Outpoint& input, std::uint32_t reserved_to_block) const {
  return explains_now(input, reserved_to_block) || explains_with(input, reserved_to_block, doubtful_blocks);
}

bool ReservationRecord::explains_now(const Outpoint& input, std::uint32_t reserved_to_block) const {
  return explains_with(input, reserved_to_block, 0);
}

bool ReservationRecord::explains_with(const Outpoint& input, std::uint32_t reserved_to_block,
                                      std::uint32_t more) const {
  const auto known = heights.find(input);
  if (known == heights.end()) return false;
  if (prepared) return prepared->explains(reserved_to_block);
  const auto explained_by = [this, reserved_to_block](std::uint32_t height) {
    if (sent_blocks == 0 || reserved_to_block < height) return reserved_to_block == height;
    return (reserved_to_block - height) % sent_blocks == 0;
  };
  if (explained_by(known->second + more)) return true;
  // A block may have come between asking for the height and reserving.
  return renewed_at && known->second == *renewed_at + blocks && explained_by(known->second + more + 1);
}

// What a sendpsbt may have added it may take back, too.
void ReservationRecord::extended(const Outpoint& input, std::uint32_t reserved_to_block, std::uint32_t by) {
  auto& height = heights[input];
  const auto before = reserved_to_block - by;
  const bool added = sent_blocks > 0 && before >= height && (before - height) % sent_blocks == 0;
  height = added ? height + by : reserved_to_block;
}

std::uint32_t ReservationRecord::most_blocks() const {
  return blocks + doubtful_blocks + (prepared ? PreparedRecord::blocks + prepared->kept : 0);
}

std::vector<Outpoint> ReservationRecord::inputs() const {
  std::vector<Outpoint> inputs;
  for (const auto& [outpoint, height] : heights) inputs.push_back(outpoint);
  return inputs;
}

std::uint64_t ReservationRecord::asked_since(const Outpoint& input) const {
  const auto renewed = renewed_since.find(input);
  return renewed == renewed_since.end() ? since : renewed->second;
}

void ReservationRecord::asks_at(std::uint64_t now) { since = now; }

void ReservationRecord::claim(const std::vector<Outpoint>& inputs, std::uint32_t for_blocks) {
  for (const auto& input : inputs) heights.try_emplace(input);
  blocks = std::max(blocks, for_blocks);
}

void ReservationRecord::drop(const std::vector<Outpoint>& inputs) {
  for (const auto& input : inputs) heights.erase(input);
}

void ReservationRecord::send_adds(std::uint32_t more) { sent_blocks = more; }

void ReservationRecord::send_adds_nothing() { sent_blocks = 0; }

void ReservationRecord::announce_renewal(const std::vector<Outpoint>& inputs, std::uint32_t height,
                                         std::uint64_t free_at) {
  renewed_at = height;
  for (const auto& input : inputs) {
    heights[input] = height + blocks;
    renewed_since[input] = free_at;
  }
}

void ReservationRecord::renewal_sent() {
  sent();
  doubtful_blocks = blocks;
}

void ReservationRecord::reserved(const Reservations& reservations, std::uint32_t for_blocks) {
  blocks = for_blocks;
  for (const auto& reservation : reservations) heights[reservation.outpoint] = reservation.reserved_to_block;
}

void ReservationRecord::renewal_answered(const util::Result<Reservations>& answer) {
  if (answer) reserved(*answer, doubtful_blocks);
  answer_lost = !answer && lightningd::in_doubt(answer.error());
  if (!answer_lost) doubtful_blocks = 0;
  answered();
}

void ReservationRecord::announce_extension(std::uint32_t more) { doubtful_blocks = more; }

void ReservationRecord::extension_dropped() { doubtful_blocks = 0; }

void ReservationRecord::extension_sent(std::uint32_t more) {
  sent();
  doubtful_blocks = more;
}

void ReservationRecord::extension_answered(const util::Result<Reservations>& answer) {
  const auto added = doubtful_blocks;
  if (answer) {
    for (const auto& [outpoint, to, was_reserved] : *answer) {
      if (!was_reserved) heights[outpoint] = to;
      if (was_reserved && to >= added && explains_now(outpoint, to - added)) extended(outpoint, to, added);
    }
    blocks += added;
  }
  answer_lost = !answer && lightningd::in_doubt(answer.error());
  if (!answer_lost) doubtful_blocks = 0;
  answered();
}

void ReservationRecord::announce_prepare(const std::vector<Outpoint>& inputs, std::uint32_t height,
                                         std::uint32_t kept) {
  prepared = PreparedRecord{height, height + 1, kept, {}, false};
  for (const auto& input : inputs) heights[input] = height;
}

void ReservationRecord::prepare_sent() {
  prepared->asked = true;
  sent();
}

void ReservationRecord::prepare_answered(const util::Result<bitcoin::Txid>& answer, bool refused) {
  if (answer && prepared) prepared->txid = *answer;
  if (refused) released();
  answered();
}

void ReservationRecord::prepared_by(std::uint32_t height) {
  if (prepared) prepared->latest = std::max(prepared->height, height);
}

void ReservationRecord::keep_answered(const util::Result<Reservations>& answer) {
  answer_lost = !answer && lightningd::in_doubt(answer.error());
  answered();
}

void ReservationRecord::discard_answered(bool ok, const std::map<Outpoint, std::uint32_t>& to_blocks) {
  if (ok && prepared) {
    blocks = prepared->kept;
    heights = to_blocks;
    prepared.reset();
  }
  answered();
}

void ReservationRecord::release_answered(bool ok) {
  if (ok) released();
  freed = ok;
}

std::vector<Outpoint> ReservationRecord::foreign(const Reservations& reservations, std::uint32_t added) const {
  std::vector<Outpoint> foreign;
  for (const auto& [outpoint, to, was_reserved] : reservations) {
    if (was_reserved && (to < added || !explains_now(outpoint, to - added))) foreign.push_back(outpoint);
  }
  return foreign;
}

void ReservationRecord::settle_doubt(const std::vector<lightningd::WalletOutput>& outputs) {
  const auto doubtful = std::exchange(doubtful_blocks, 0);
  answer_lost = false;
  bool added = false;
  for (const auto& output : outputs) {
    const auto to = output.reserved_to_block;
    if (doubtful == 0 || !output.reserved || to < doubtful || explains_now(output.outpoint, to)) continue;
    if (!explains_now(output.outpoint, to - doubtful)) continue;
    extended(output.outpoint, to, doubtful);
    added = true;
  }
  if (added) blocks += doubtful;
}

}  // namespace ledger
