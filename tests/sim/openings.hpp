#pragma once

#include <optional>
#include <string>

#include "psbt/psbt.hpp"
#include "sim/channels.hpp"
#include "sim/connections.hpp"
#include "sim/core.hpp"
#include "sim/feerates.hpp"

namespace sim {

/// fundchannel_start, fundchannel_complete and fundchannel_cancel, as openingd and lightningd do
/// them together. A part of the node.
///
/// openingd has no time limits, and while it waits for the peer it does not listen to lightningd: a
/// cancel queues behind a complete, and whoever kills openingd drops that cancel unanswered.
class Openings {
 public:
  Openings(Core& core, const Feerates& feerates, Connections& connections, Channels& channels);

  /// Somebody else opens a channel to the peer, if that is possible now: up to the answer to
  /// fundchannel_start, or up to a channel that awaits its lock-in.
  void open_for_others(Peer& peer, bitcoin::Sat amount, bool fully);
  /// They end it, if it is theirs.
  void give_up_for_others(Peer& peer);
  /// `check` of fundchannel_start: what it would say before the peer is asked.
  [[nodiscard]] std::optional<util::Error> check(Params& params) const;

 private:
  /// The transaction of fundchannel_complete. All peers of a batch get the same, so it is read once.
  struct Proposal {
    std::string text;
    psbt::Psbt psbt;
    util::SharedText stored;  ///< as the channels keep it
    bitcoin::Txid txid;
    std::optional<util::Error> unsafe;  ///< the txid is not known yet
  };

  void start(Params& params, Reply reply);
  void complete(Params& params, Reply reply);
  void cancel(Params& params, Reply reply);

  [[nodiscard]] std::optional<util::Error> refuse_start(const Peer* peer, bitcoin::Sat amount) const;
  [[nodiscard]] std::optional<util::Error> refuse_complete(const Peer* peer) const;
  [[nodiscard]] util::Result<Opening> read_start(Params& params) const;
  [[nodiscard]] bitcoin::Sat commitment_cost_of(const Opening& opening) const;
  [[nodiscard]] bool can_afford(const Opening& opening) const;
  [[nodiscard]] bool can_reserve(const Opening& opening) const;
  [[nodiscard]] const Proposal* read_proposal(Params& params);
  [[nodiscard]] util::Result<std::uint32_t> find_output(const Opening& opening, const Proposal& proposal) const;
  /// Runs `then` unless the opening is gone or has moved on by then.
  void later(Peer& peer, spark::Duration delay, util::Function<void(Peer&)> then);
  /// The same for what the peer says: one that has gone silent by then does not.
  void answer(Peer& peer, spark::Duration delay, util::Function<void(Peer&)> then);
  void begin(Peer& peer, Opening opening);
  void misbehave(Peer& peer, const Fault& fault);
  /// The peer sends an error for the opening, which comes after `delay`.
  void refuse(Peer& peer, spark::Duration delay, std::string_view text);
  void tell(Peer& peer, const std::optional<Fault>& fault);
  void started(Peer& peer);
  void completed(Peer& peer);
  /// The peer refused or we gave up: pending command and queued cancels are told.
  void failed(Peer& peer, const std::string& why);

  Core& core_;
  const Feerates& feerates_;
  Connections& connections_;
  Channels& channels_;
  std::uint64_t next_serial_ = 1;
  std::optional<Proposal> last_proposal_;
};

}  // namespace sim
