#pragma once

#include <string>
#include <vector>

#include "checks/coin_census.hpp"
#include "context/settings.hpp"
#include "lightningd/client.hpp"
#include "request/request.hpp"
#include "spark/scope.hpp"

namespace checks {

/// Looks at the wallet's coins for what is told about them. Changes nothing; what lightningd does not answer is left
/// out. Owned by a batch or a preview, and runs in its scope.
class CoinLook {
 public:
  CoinLook(spark::Scope& scope, const lightningd::Client& client, const context::Settings& settings,
           const request::Request& request)
      : scope_(scope), client_(client), settings_(settings), request_(request) {}
  CoinLook(const CoinLook&) = delete;
  CoinLook& operator=(const CoinLook&) = delete;

  /// The wallet's error; when it is about too little money, with why coins do not count.
  void explain(const util::Error& error, bitcoin::Perkw feerate, util::Function<void(util::Error)> then);

  /// Whether the user may have expected more of `minconf`: given coins are spent whatever they have.
  [[nodiscard]] bool minconf_is_ignored() const { return request_.has_utxos && request_.has_minconf; }
  /// Then: a warning for each given coin that has fewer confirmations.
  void find_younger(util::Function<void(std::vector<std::string>)> then);

 private:
  void look(lightningd::Reply<CoinCensus> then);

  spark::Scope& scope_;
  const lightningd::Client& client_;
  const context::Settings& settings_;
  const request::Request& request_;
};

}  // namespace checks
