#pragma once

#include <optional>

#include "context/calls.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "peers/connection.hpp"
#include "peers/process.hpp"
#include "report/batch_report.hpp"
#include "request/request.hpp"
#include "spark/scope.hpp"

namespace preview {

/// A look at one peer: connects to it, and hangs up again unless it was connected before. Owned by the
/// Preview.
class PeerLook final : private peers::Connection::Owner {
 public:
  /// `calls` are those of connect().
  PeerLook(const peers::Process& process, context::Calls calls, const request::Destination& destination);
  PeerLook(const PeerLook&) = delete;
  PeerLook& operator=(const PeerLook&) = delete;

  /// Completes when the peer has said its features, or cannot be reached. As in a batch, new peers wait for
  /// a place among the connects in flight.
  void connect(bool connected_before, spark::Completion completion);
  /// To be called in another scope, when that of connect() has ended.
  void hang_up(spark::Scope& scope, spark::Completion completion);

  [[nodiscard]] const request::Destination& destination() const { return destination_; }
  /// Nothing when it was not reached.
  [[nodiscard]] const std::optional<lightningd::Features>& features() const { return features_; }
  [[nodiscard]] const std::optional<report::PeerFailure>& failure() const { return failure_; }

 private:
  void connected(const util::Result<lightningd::Connected>& answer) override;
  void expired(util::Error error) override;
  [[nodiscard]] Late late() override;
  void step_done();

  const peers::Process process_;
  const context::Calls calls_;
  const request::Destination& destination_;
  peers::Connection connection_;
  bool to_hang_up_ = false;  ///< we may have connected it
  std::optional<spark::Completion> step_;
  std::optional<lightningd::Features> features_;
  std::optional<report::PeerFailure> failure_;
};

}  // namespace preview
