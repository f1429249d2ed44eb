#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "context/settings.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "peers/pending_connects.hpp"
#include "peers/process.hpp"
#include "report/batch_report.hpp"
#include "request/request.hpp"
#include "spark/gate.hpp"
#include "spark/scope.hpp"

namespace peers {

/// A look at one peer: connects to it, and hangs up again unless it was connected before. Owned by the
/// Preview.
class PeerLook {
 public:
  PeerLook(const Process& process, const lightningd::Client& client, const request::Destination& destination)
      : process_(process), client_(client), destination_(destination) {}
  PeerLook(const PeerLook&) = delete;
  PeerLook& operator=(const PeerLook&) = delete;

  /// Completes when the peer has said its features, or cannot be reached. As in a batch, new peers wait for
  /// a place among the connects in flight.
  void connect(spark::Scope& scope, bool connected_before, spark::Completion completion);
  /// To be called in another scope, when that of connect() has ended.
  void hang_up(spark::Scope& scope, spark::Completion completion);

  [[nodiscard]] const request::Destination& destination() const { return destination_; }
  /// Nothing when it was not reached.
  [[nodiscard]] const std::optional<lightningd::Features>& features() const { return features_; }
  [[nodiscard]] const std::optional<report::PeerFailure>& failure() const { return failure_; }

 private:
  void ask_connect(spark::Scope& scope);
  void connected(const util::Result<lightningd::Connected>& answer);
  void expired(spark::Duration now);
  void step_done();

  const Process process_;
  const lightningd::Client& client_;
  std::weak_ptr<const PendingConnects::Attempt> attempt_;
  const request::Destination& destination_;
  bool to_hang_up_ = false;  ///< we may have connected it
  std::optional<spark::Completion> step_;
  spark::Gate::Pass place_;  ///< among the connects in flight
  std::optional<lightningd::Features> features_;
  std::optional<report::PeerFailure> failure_;
};

}  // namespace peers
