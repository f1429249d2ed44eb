#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "ledger/abort_record.hpp"
#include "ledger/payment_record.hpp"
#include "ledger/reservation_record.hpp"
#include "ledger/told_in_vain.hpp"
#include "lightningd/client.hpp"
#include "lightningd/ids.hpp"
#include "request/policy.hpp"
#include "request/request.hpp"
#include "util/bytes.hpp"
#include "util/function.hpp"
#include "util/rope.hpp"

namespace ledger {

/// How far lightningd may be with one peer's opening. Recorded when a call is sent, not when it is
/// answered: a call that was sent may have had its effect although nobody heard of it.
enum class Stage {
  none,        ///< nothing to undo
  starting,    ///< fundchannel_start sent
  started,     ///< the peer accepted; it knows no outpoint yet
  completing,  ///< fundchannel_complete sent: a channel with our outpoint may exist
  completed,   ///< commitments secured
};

/// One peer's opening as lightningd may see it.
struct OpeningRecord {
  lightningd::NodeId peer;
  std::string batch;  ///< its id
  std::string label;  ///< label_of() it
  Stage stage = Stage::none;
  bool in_flight = false;             ///< the call that led to `stage` has not been answered
  bool doubtful = false;              ///< a call was lost, or an undo saw no end: something may be there, or come
  bool keeps_told = false;            ///< the peer keeps a channel that it was told, whatever becomes of it
  bool untold = false;                ///< lightningd refused fundchannel_complete before it told the peer
  bool undoing = false;               ///< by a PeerUndo, which may disconnect the peer
  bool inquiry = false;               ///< only asked whether it would open: undone at once
  bool silent = false;                ///< it missed a deadline: waiting for it again is in vain
  std::uint64_t accepted = 0;         ///< which of all accepted starts of the process it was, in order
  bitcoin::Sat amount;                ///< told to the peer by fundchannel_start
  bitcoin::Sat planned;               ///< what it is to be told next: `all` may change
  std::vector<bitcoin::Sat> earlier;  ///< told before, by openings that may be there still
  std::optional<bitcoin::Outpoint> outpoint;    ///< told to the peer by fundchannel_complete
  std::optional<request::PolicyRecord> policy;  ///< for its channel, when the transaction was sent
  std::string memo;                             ///< the user's own words; empty when none
  util::Function<void()> on_answer;             ///< an undo that waits for the call in flight

  void start_sent(bitcoin::Sat wanted);
  /// A refusal frees the opening; a lost connection leaves it in doubt.
  void start_answered(bool ok, bool in_doubt);
  void complete_sent(const bitcoin::Outpoint& channel);
  /// After an error the opening may still be alive without an outpoint (refused up front), gone, or
  /// in doubt; `refused`: by lightningd, which has told the peer nothing.
  void complete_answered(bool ok, bool in_doubt, bool refused = false);
  /// Found to be undone.
  void gone();
  /// Whether an opening of this size with the peer can be ours.
  [[nodiscard]] bool may_be(bitcoin::Sat total) const;
  /// As a crash would find it, but for what Ledger::doubted() adds.
  [[nodiscard]] std::shared_ptr<OpeningRecord> doubted() const;

 private:
  void answered();
};

// How a batch and one of its openings are called in logs: "batch 4b18d2a9" and "batch 4b18d2a9 peer 3 (02abcdef)".
[[nodiscard]] std::string label_of(const std::string& batch);
[[nodiscard]] std::string label_of(const OpeningRecord& opening, std::size_t number);

struct Ledger;

/// What all batches of this process have open and reserved. lightningd has one uncommitted opening per peer and
/// shows neither whose that is nor who has reserved a coin; this tells.
class Book {
 public:
  void add(const std::shared_ptr<OpeningRecord>& record);
  /// Whether another batch's opening with the same peer, which has the total that lightningd shows, was
  /// accepted later: then this one's was gone by that time, and what is shown is not ours.
  [[nodiscard]] bool belongs_to_another(const OpeningRecord& record, bitcoin::Sat total) const;
  /// Whether another batch waits for the answer to a start: then it is open whose opening it is. One that has given up
  /// undoing it does not: two would wait for each other.
  [[nodiscard]] bool another_is_starting(const OpeningRecord& record) const;
  /// Whether another batch has, or may have, an opening or a channel with the peer: a fundchannel_cancel could
  /// take that.
  [[nodiscard]] bool another_is_opening(const OpeningRecord& record) const;
  /// Whether that only asks, and so is over soon.
  [[nodiscard]] bool is_inquired(const OpeningRecord& record) const;

  /// Whether a call of another batch may still make an opening with the peer, or has made one.
  [[nodiscard]] bool another_may_open(const OpeningRecord& record) const;

  /// The transaction of a batch is impossible: its channels are nobody's loss.
  void never_confirms(const bitcoin::Txid& txid) { impossible_.insert(txid); }
  [[nodiscard]] bool is_impossible(const bitcoin::Txid& txid) const { return impossible_.contains(txid); }

  /// Whom batches have told a transaction that was never sent.
  [[nodiscard]] ToldInVain& told_in_vain() { return told_in_vain_; }
  /// The peer's channel of a dead transaction is undone on our side.
  void undone(const OpeningRecord& record, const bitcoin::Outpoint& channel) {
    if (record.keeps_told) told_in_vain_.add(record.peer, channel);
  }

  /// A fundchannel_cancel on its way, for as long as this lives: it may take any channel of the peer that
  /// awaits lock-in.
  struct Cancel {
    lightningd::NodeId peer;
    std::chrono::milliseconds sent;
  };
  [[nodiscard]] std::shared_ptr<const Cancel> cancelling(const lightningd::NodeId& peer, std::chrono::milliseconds now);
  /// Whether there is one that was sent at that time or later.
  [[nodiscard]] bool is_cancelling(const lightningd::NodeId& peer, std::chrono::milliseconds since) const;

  /// Whether a batch that is not over has this peer.
  [[nodiscard]] bool involves(const lightningd::NodeId& peer) const;

  /// The batch has reserved the coin while that was free.
  void reserved(const bitcoin::Outpoint& coin, const std::string& batch) {
    asked_.erase(coin);
    coins_[coin] = {batch, ++count_};
  }
  void reserved(const std::vector<lightningd::Reservation>& coins, const std::string& batch);
  /// Likewise those of them that nobody had reserved before.
  void reserved_alone(const std::vector<lightningd::Reservation>& coins, const std::string& batch);
  /// So many reservations there were.
  [[nodiscard]] std::uint64_t reservations() const { return count_; }
  /// Whether another batch has reserved it since then. Then the reservation of this one is gone, whatever height
  /// lightningd shows.
  [[nodiscard]] bool another_has_reserved(const bitcoin::Outpoint& coin, const std::string& batch,
                                          std::uint64_t since) const;

  /// The batch is about to reserve these coins, which it has seen free. Where two are in doubt, who asked first has
  /// them.
  void asks_for(const std::vector<bitcoin::Outpoint>& coins, const std::shared_ptr<const Ledger>& batch);
  /// It was refused them.
  void does_not_get(const std::vector<bitcoin::Outpoint>& coins, const Ledger& batch);
  /// Whether another batch has asked for it before, and has not heard that it was refused it.
  [[nodiscard]] bool another_has_asked_for(const bitcoin::Outpoint& coin, const Ledger& batch) const;

 private:
  /// Whether an opening of another batch with the same peer fits.
  template <class Fits>
  [[nodiscard]] bool any_other(const OpeningRecord& record, Fits fits) const;
  /// Who has asked first for the coin, and is not over; nothing: nobody, or who asked was refused it.
  [[nodiscard]] std::shared_ptr<const Ledger> first_asker(const bitcoin::Outpoint& coin) const;

  std::multimap<lightningd::NodeId, std::weak_ptr<OpeningRecord>> records_;
  std::size_t sweep_at_ = 0;  ///< with so many records the expired ones are removed
  std::vector<std::weak_ptr<const Cancel>> cancels_;
  std::map<bitcoin::Outpoint, std::pair<std::string, std::uint64_t>> coins_;  ///< who reserved it last, and when
  std::uint64_t count_ = 0;
  std::map<bitcoin::Outpoint, std::weak_ptr<const Ledger>> asked_;  ///< who asked first
  std::set<bitcoin::Txid> impossible_;
  ToldInVain told_in_vain_;
};

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

/// The funding transaction that peers are told.
struct FundingPlan {
  bitcoin::Txid txid;
  util::SharedText psbt;                              ///< unsigned and stripped, base64
  std::vector<std::optional<std::uint32_t>> outnums;  ///< of each opening; none: not in this transaction
  std::optional<util::Bytes> change;                  ///< the wallet's script that the rest goes to
  bool is_change_ours = false;  ///< lightningd has said so of that script to this process; not in the journal
  bool withheld = false;        ///< lightningd withholds the channels: one that is released may have been sent
  std::vector<PaymentRecord> payments{};  ///< each has an output of its own
  bool is_users = false;                  ///< its inputs are the user's, who signs it
  bitcoin::Sat users_fee;                 ///< of the user's transaction
  std::uint32_t users_weight = 0;         ///< likewise, signed
  std::uint32_t waits_since = 0;          ///< height at which the batch began to wait for its user; 0: not known
};

/// What one batch has done outside itself and may have to undo. Shared by the batch and by the undo
/// that outlives it; written to lightningd's datastore, it outlives the process (journal_format.hpp).
struct Ledger {
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
  bool send_in_flight = false;  ///< sendpsbt was sent and is not answered
  /// So long it may be carried out all the same: the connection was lost before the answer. That time begins at the
  /// next look, which shows that lightningd answers.
  std::chrono::milliseconds send_lost_until{};
  static constexpr auto until_looked_at = std::chrono::milliseconds::max();
  bool inquiry = false;  ///< peers are only asked whether they would open

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
};

}  // namespace ledger
