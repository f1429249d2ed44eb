#pragma once

#include <optional>
#include <vector>

#include "lightningd/client.hpp"
#include "multifundchannel/coins.hpp"
#include "multifundchannel/proposal.hpp"
#include "multifundchannel/settings.hpp"
#include "spark/scope.hpp"

namespace multifundchannel {

/// Asks the wallet what a batch would ask it, but reserves nothing. Owned by the Preview, and runs in its
/// scope.
class Quote {
 public:
  Quote(spark::Scope& scope, const lightningd::Client& client, const Settings& settings)
      : scope_(scope), client_(client), settings_(settings) {}
  Quote(const Quote&) = delete;
  Quote& operator=(const Quote&) = delete;

  /// Errors: those of Coins::reserve.
  void ask(const Coins::Choice& choice, const Payees& payees, lightningd::Reply<Proposal> then);

 private:
  /// Of these coins, or as the choice says.
  using SameCoins = std::optional<std::vector<lightningd::Outpoint>>;

  void fund(const Payees& payees, Round round, const SameCoins& same, lightningd::Reply<Proposal> then);
  void funded(const Payees& payees, Round round, lightningd::Reply<Proposal> then,
              const util::Result<lightningd::Funded>& answer);
  void survey(const Payees& payees, const util::Error& error, lightningd::Reply<Proposal> then);
  void leave_out(Reading reading, Round round, lightningd::Reply<Proposal> then);

  spark::Scope& scope_;
  const lightningd::Client& client_;
  const Settings& settings_;
  Coins::Choice choice_;
};

}  // namespace multifundchannel
