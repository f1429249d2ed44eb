#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "checks/coin_look.hpp"
#include "checks/preparation.hpp"
#include "context/calls.hpp"
#include "lightningd/client.hpp"
#include "peers/node_facts.hpp"
#include "peers/peer_look.hpp"
#include "peers/process.hpp"
#include "preview/preview_report.hpp"
#include "preview/quote.hpp"
#include "request/request.hpp"
#include "spark/gate.hpp"
#include "spark/scope.hpp"

namespace preview {

/// What a batch would do, found out without doing it: reserves nothing, writes nothing, and leaves no peer
/// connected that was not. Owned by the Previews.
///
///   feerates, node -> connect each -> ask the wallet -> hang up -> answer
///
/// Peers that cannot be reached are shown, and counted as if they could be. What would fail any batch fails
/// the preview with the same error: wrong parameters, too little money. A fee above its cap is a warning.
class Preview {
 public:
  using Done = util::Function<void(util::Result<std::string> answer)>;

  Preview(const peers::Process& process, lightningd::Client client, request::Request request);
  Preview(const Preview&) = delete;
  Preview& operator=(const Preview&) = delete;

  /// Call once. `done` comes from the ready queue and may destroy this.
  void run(Done done);
  /// Ends it with this error, as soon as it has hung up.
  void abort(const util::Error& error);

 private:
  void prepared(const checks::Prepared& prepared);
  [[nodiscard]] spark::Spark ask_node();
  [[nodiscard]] spark::Spark ask_feerates();
  [[nodiscard]] spark::Spark ask_limits();
  [[nodiscard]] spark::Spark look_at_coins();
  void ask_wallet();
  void quoted(const util::Result<wallet::Proposal>& proposal);
  void conclude(util::Result<std::string> answer);

  [[nodiscard]] wallet::Payees payees() const;
  [[nodiscard]] bool anchors_negotiated() const;
  [[nodiscard]] util::Result<std::string> report(const wallet::Proposal& proposal);

  context::Calls calls_;
  const peers::NodeFacts node_;
  ledger::Book& book_;
  const request::Request request_;
  Done done_;
  std::optional<util::Result<std::string>> answer_;
  wallet::Asking::Choice choice_;
  PreviewFindings findings_;
  std::vector<std::unique_ptr<peers::PeerLook>> looks_;
  spark::Scope scope_;
  spark::Scope hanging_up_;
  checks::Preparation preparation_;
  Quote quote_;
  checks::CoinLook coin_look_;
};

}  // namespace preview
