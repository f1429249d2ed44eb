#pragma once

#include <optional>
#include <vector>

#include "context/calls.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"
#include "wallet/asking.hpp"
#include "wallet/proposal.hpp"

namespace preview {

/// Asks the wallet what a batch would ask it, but reserves nothing. Owned by the Preview, and runs in its
/// scope.
class Quote {
 public:
  Quote(context::Calls calls) : calls_(std::move(calls)) {}
  Quote(const Quote&) = delete;
  Quote& operator=(const Quote&) = delete;

  /// Errors: those of Asking::reserve.
  void ask(const wallet::Asking::Choice& choice, const wallet::Payees& payees, lightningd::Reply<wallet::Proposal> then);

 private:
  /// Of these coins, or as the choice says.
  using SameCoins = std::optional<std::vector<bitcoin::Outpoint>>;

  void fund(const wallet::Payees& payees, wallet::Round round, const SameCoins& same,
            lightningd::Reply<wallet::Proposal> then);
  void funded(const wallet::Payees& payees, wallet::Round round, lightningd::Reply<wallet::Proposal> then,
              const util::Result<lightningd::Funded>& answer);
  void survey(const wallet::Payees& payees, const util::Error& error, lightningd::Reply<wallet::Proposal> then);
  void leave_out(wallet::Reading reading, wallet::Round round, lightningd::Reply<wallet::Proposal> then);

  context::Calls calls_;
  wallet::Asking::Choice choice_;
};

}  // namespace preview
