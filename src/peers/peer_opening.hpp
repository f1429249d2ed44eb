#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "context/calls.hpp"
#include "funding/commitment.hpp"
#include "funding/fee_bounds.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "peers/connection.hpp"
#include "peers/log_look.hpp"
#include "peers/pending_connects.hpp"
#include "report/batch_report.hpp"
#include "report/batch_watch.hpp"
#include "request/request.hpp"
#include "spark/gate.hpp"
#include "spark/scope.hpp"

namespace peers {

/// What the peers of one batch have in common.
struct BatchContext {
  context::Calls calls;
  spark::Gate& connects;
  report::BatchWatch& watch;
  ledger::Book& book;
  /// For the commitment transactions; empty: lightningd's default.
  std::string commitment_feerate;
  /// Whether lightningd knows `withhold` (v25.12).
  bool withhold = false;
  /// Whether it answers a ping with the pong of that peer (v25.09).
  bool tells_pongs_apart = false;
  /// Our node's.
  lightningd::Features features{};
  /// What the first commitment transactions cost.
  funding::Commitment commitment{};
  /// Of the funding transaction's fee.
  funding::FeeBounds bounds{};
  std::shared_ptr<PendingConnects> pending;
  std::unique_ptr<LogLook> log{};
};

/// One peer's way through a batch: connect, fundchannel_start, fundchannel_complete. Each step is
/// one spark; it completes when the step is over, well or not. Owned by the Roster; runs in the
/// batch's scope.
class PeerOpening final : private Connection::Owner {
 public:
  class Owner {
   public:
    /// Comes before the step's completion. The owner may end the scope, but not destroy the peer.
    virtual void peer_failed(PeerOpening& peer) = 0;

   protected:
    ~Owner() = default;
  };

  PeerOpening(BatchContext& context, Owner& owner, const request::Destination& destination,
              std::shared_ptr<ledger::OpeningRecord> record);
  PeerOpening(const PeerOpening&) = delete;
  PeerOpening& operator=(const PeerOpening&) = delete;

  /// Waits for a place among the connects in flight, then connects. A peer that is connected already
  /// needs no place: it only says its features.
  void connect(bool connected_already, spark::Completion completion);
  void start(bitcoin::Sat amount, spark::Completion completion);
  /// After its opening was undone: connects again if need be, with a place and a backoff, and starts
  /// again.
  void restart(bitcoin::Sat amount, spark::Completion completion);
  void complete(const util::SharedText& psbt, const bitcoin::Outpoint& outpoint, spark::Completion completion);

  /// Gives back its place among the connects, when the batch ends.
  void leave() { connection_.leave(); }
  /// Takes the peer out of the batch. Does nothing when it is out already.
  void fail(report::PeerMethod method, util::Error error);

  [[nodiscard]] bool live() const { return !failure_; }
  [[nodiscard]] const std::optional<report::PeerFailure>& failure() const { return failure_; }
  [[nodiscard]] const request::Destination& destination() const { return destination_; }
  [[nodiscard]] const std::shared_ptr<ledger::OpeningRecord>& record() const { return record_; }
  [[nodiscard]] const lightningd::Features& features() const { return features_; }
  [[nodiscard]] const lightningd::Started& terms() const { return terms_; }
  [[nodiscard]] spark::Duration started_at() const { return started_at_; }
  /// A channel that it was told it keeps pending, whatever becomes of the transaction.
  [[nodiscard]] bool keeps_told_channel() const { return record_->keeps_told; }
  [[nodiscard]] const lightningd::ChannelId& channel_id() const { return channel_id_; }
  /// The RPC that this peer is in, or was in last.
  [[nodiscard]] report::PeerMethod method() const { return method_; }

 private:
  void begin_start(bitcoin::Sat amount, spark::Completion completion);
  void connected(const util::Result<lightningd::Connected>& answer) override;
  void reconnect();
  void reconnected(const util::Result<lightningd::Connected>& answer);
  [[nodiscard]] report::Cause cause_of(const util::Error& error) const;
  [[nodiscard]] bool retry_later();
  [[nodiscard]] bool worth_another_start(const util::Error& error) const;
  void cut_off(const util::Error& error);
  [[nodiscard]] bool is_cancelled_by_another() const;
  void await_cancel();
  void ask_start();
  void started(const util::Result<lightningd::Started>& answer);
  void completed(const util::Result<lightningd::Completed>& answer);
  void unanswered();
  void expired(util::Error error) override;
  void step_done();

  BatchContext& context_;
  Owner& owner_;
  const request::Destination& destination_;
  std::shared_ptr<ledger::OpeningRecord> record_;
  Connection connection_;
  std::optional<report::PeerFailure> failure_;

  report::PeerMethod method_ = report::PeerMethod::connect;
  std::optional<spark::Completion> step_;
  bool starting_ = false;  ///< connects are from now on for another try to start
  lightningd::Features features_;
  bitcoin::Sat amount_;
  lightningd::Started terms_;
  spark::Duration started_at_{};
  bool restarting_ = false;  ///< an opening of ours with this peer was cancelled just before
  int cut_offs_ = 0;         ///< how often its connection ended for another channel's sake in this start
  spark::Duration backoff_{};
  spark::Duration give_up_at_{};
  lightningd::ChannelId channel_id_;
};

}  // namespace peers
