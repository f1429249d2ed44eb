#pragma once

#include <functional>
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
#include "peers/process.hpp"
#include "preview/inquiry.hpp"
#include "preview/peer_look.hpp"
#include "preview/preview_report.hpp"
#include "request/request.hpp"
#include "spark/gate.hpp"
#include "spark/scope.hpp"
#include "wallet/asking.hpp"

namespace preview {

/// What a batch would do, found out without doing it: reserves nothing, and leaves no peer connected that was not.
/// Owned by the Previews.
///
///   feerates, node -> connect each -> ask the wallet [-> ask each whether it would open] -> hang up -> answer
///
/// Peers that cannot be reached are shown, and counted as if they could be. What would fail any batch fails
/// the preview with the same error: wrong parameters, too little money. A fee above its cap is a warning.
class Preview {
 public:
  using Done = util::Function<void(util::Result<std::string> answer)>;
  /// Runs an inquiry.
  using Ask = std::function<void(Inquiry::Order order, util::Function<void(Inquiry::Answers)> then)>;

  /// `ask` is used when the request says so.
  Preview(const peers::Process& process, lightningd::Client client, request::Request request, Ask ask);
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
  void ask_peers();
  void conclude(util::Result<std::string> answer);

  [[nodiscard]] bitcoin::Sat amount_of(const request::Destination& destination) const;
  [[nodiscard]] wallet::Payees payees() const;
  [[nodiscard]] bool anchors_negotiated() const;
  [[nodiscard]] util::Result<std::string> report();

  context::Calls calls_;
  const peers::NodeFacts node_;
  ledger::Book& book_;
  const request::Request request_;
  const Ask ask_;
  Done done_;
  std::optional<util::Result<std::string>> answer_;
  wallet::Choice choice_;
  std::string commitment_feerate_;
  std::optional<wallet::Proposal> proposal_;
  PreviewFindings findings_;
  std::vector<std::unique_ptr<PeerLook>> looks_;
  spark::Scope scope_;
  spark::Scope hanging_up_;
  checks::Preparation preparation_;
  wallet::Asking asking_;
  checks::CoinLook coin_look_;
};

}  // namespace preview
