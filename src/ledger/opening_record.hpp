#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "lightningd/ids.hpp"
#include "request/policy.hpp"
#include "request/request.hpp"
#include "util/function.hpp"
#include "util/result.hpp"

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

  /// Of a batch with this id, which has asked nobody yet.
  [[nodiscard]] static OpeningRecord of(const std::string& batch, const request::Destination& destination);

  void only_asks();
  /// The peer's features tell whether it keeps a channel that it was told.
  void connected(bool keeps);
  /// The amount that it is to be told next.
  void plans(bitcoin::Sat next);
  void start_sent(bitcoin::Sat wanted);
  /// A refusal frees the opening; a lost connection leaves it in doubt.
  void start_answered(bool ok, bool in_doubt);
  void complete_sent(const bitcoin::Outpoint& channel);
  /// After an error the opening may still be alive without an outpoint (refused up front), gone, or
  /// in doubt; `refused`: by lightningd, which has told the peer nothing.
  void complete_answered(bool ok, bool in_doubt, bool refused = false);
  void missed_deadline();
  /// A call for the policy of its channel.
  void policy_sent();
  void policy_answered(const util::Result<std::vector<std::string>>& answer);
  void undoing_begins();
  void undoing_ends();
  /// An undo saw no end: something may be there, or come.
  void not_undone();
  /// `then` comes when the call in flight is answered; it takes the place of another one.
  void when_answered(util::Function<void()> then);
  /// Found to be undone.
  void gone();
  /// Whether an opening of this size with the peer can be ours.
  [[nodiscard]] bool may_be(bitcoin::Sat total) const;
  /// As a crash would find it, but for what Ledger::doubted() adds.
  [[nodiscard]] std::shared_ptr<OpeningRecord> doubted() const;

 private:
  void answered();

  util::Function<void()> on_answer_;  ///< an undo that waits for the call in flight
};

// How a batch and one of its openings are called in logs: "batch 4b18d2a9" and "batch 4b18d2a9 peer 3 (02abcdef)".
[[nodiscard]] std::string label_of(const std::string& batch);
[[nodiscard]] std::string label_of(const OpeningRecord& opening, std::size_t number);

}  // namespace ledger
