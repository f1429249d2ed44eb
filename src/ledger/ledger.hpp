#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bitcoin/ids.hpp"
#include "ledger/abort_record.hpp"
#include "ledger/funding_plan.hpp"
#include "ledger/opening_record.hpp"
#include "ledger/reservation_record.hpp"
#include "request/request.hpp"

namespace ledger {

/// How far a batch has come. Each value is on disk before the first effect that it announces is sent.
enum class BatchPhase {
  begun,       ///< inputs are being chosen and reserved for a short while
  opening,     ///< inputs are reserved; peers are asked to start
  completing,  ///< peers are told the outpoints; nothing is signed
  waiting,     ///< every commitment is secured; the transaction waits for its user, who finishes or aborts the batch
  sending,     ///< every commitment is secured; the transaction may be signed and sent
};

[[nodiscard]] const char* name_of(BatchPhase phase);
/// Reverses name_of(); nothing for another text.
[[nodiscard]] std::optional<BatchPhase> batch_phase_named(std::string_view name);

/// What one batch has done outside itself and may have to undo. Shared by the batch and by the undo
/// that outlives it; written to lightningd's datastore, it outlives the process (journal_format.hpp).
struct Ledger {
  Ledger() = default;
  Ledger(std::string the_id, std::int64_t when) : id(std::move(the_id)), begun(when) {}

  std::string id;          ///< of the batch: 32 hex digits
  std::int64_t begun = 0;  ///< Unix time, seconds
  std::optional<request::UserLabel> user_label;
  BatchPhase phase = BatchPhase::begun;
  std::optional<FundingPlan> plan;  ///< from `completing` on
  ReservationRecord reservation;
  std::vector<std::shared_ptr<OpeningRecord>> openings;  ///< one for each destination, in order
  /// Set before sendpsbt is sent. From then on the transaction's channels and inputs are not ours to
  /// undo, whatever the answer, unless it is proven that nothing was broadcast: then it is reset.
  std::optional<bitcoin::Txid> sending;
  std::optional<AbortRecord> abort;
  bool inquiry = false;  ///< peers are only asked whether they would open

  // --- What happens to it. Outside this folder and the journal its members are only read. ---

  void labelled(std::optional<request::UserLabel> label);
  /// Peers are only asked whether they would open: those of all openings that it has.
  void only_asks();
  /// One more opening, which nobody was asked for yet.
  [[nodiscard]] std::shared_ptr<OpeningRecord> add_opening(const request::Destination& destination);
  /// To be saved before the first effect that this phase announces.
  void comes_to(BatchPhase next);
  /// The transaction is to be told to peers.
  void plan_made(FundingPlan made);
  void plan_dropped();
  /// By its user, or because it failed: it is not to be sent any more.
  void given_up();
  /// That could not be saved, and the record may still say that it is to be sent.
  void not_given_up(const std::optional<bitcoin::Txid>& sent);
  /// A finish did nothing: its user says again what becomes of it.
  void waits_again();
  /// Before sendpsbt is sent: from now on nothing of the transaction is undone.
  void send_begins();
  /// It is out, whoever has sent it; or impossible, and its channels are none that lightningd cancels.
  void counts_as_sent();
  void proven_unsent();
  void sendpsbt_sent();
  /// `lost`: the connection, before the answer came.
  void sendpsbt_answered(bool lost);
  /// lightningd has answered another call at that time: for `quiet` longer it may carry out what was lost.
  void looked_at(std::chrono::milliseconds now, std::chrono::milliseconds quiet);
  /// From now on this other transaction is to make the batch's own impossible. Gives what it replaces.
  [[nodiscard]] std::optional<AbortRecord> abort_begins(AbortRecord record);
  /// That could not be saved.
  void abort_not_begun(std::optional<AbortRecord> replaced);
  /// The batch's own transaction has confirmed.
  void abort_lost();

  // --- What it tells. ---

  /// Whether sendpsbt was sent and may still be carried out.
  [[nodiscard]] bool may_still_be_sent(std::chrono::milliseconds now) const;
  /// Whether its user says what becomes of the transaction: its channels and inputs stay as they are.
  [[nodiscard]] bool waits() const { return phase == BatchPhase::waiting; }
  [[nodiscard]] bool may_undo(const OpeningRecord& opening) const;
  /// The outpoint of the opening's channel, when it is in the transaction.
  [[nodiscard]] std::optional<bitcoin::Outpoint> outpoint_of(std::size_t opening) const;
  /// The first output that funds a channel, of a ledger with a plan.
  [[nodiscard]] bitcoin::Outpoint first_funding() const;
  /// Whether the transaction was sent, and the policy of this opening's channel is not decided yet.
  [[nodiscard]] bool policy_pending(std::size_t opening) const;
  [[nodiscard]] bool any_policy_pending() const;
  /// A copy as a crash would find it in the journal, and its reader makes it: every opening is in doubt, whatever an
  /// undo has seen. Of what this process alone knows it has whether the transaction was sent, and which of several
  /// openings or reservations was the later one.
  [[nodiscard]] std::shared_ptr<Ledger> doubted() const;
  /// A copy with the same openings and another reservation, to be asked or saved.
  [[nodiscard]] std::shared_ptr<const Ledger> with(ReservationRecord other) const;

 private:
  /// Without openings, and without what this process alone knows.
  [[nodiscard]] std::shared_ptr<Ledger> copy_with(ReservationRecord other) const;

  static constexpr auto until_looked_at = std::chrono::milliseconds::max();

  bool send_in_flight_ = false;  ///< sendpsbt was sent and is not answered
  /// So long it may be carried out all the same: the connection was lost before the answer. That time begins at the
  /// next look, which shows that lightningd answers.
  std::chrono::milliseconds send_lost_until_{};
};

}  // namespace ledger
