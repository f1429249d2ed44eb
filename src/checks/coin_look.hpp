#pragma once

#include <string>
#include <vector>

#include "checks/coin_census.hpp"
#include "context/calls.hpp"
#include "lightningd/client.hpp"
#include "request/request.hpp"
#include "spark/scope.hpp"

namespace checks {

/// Looks at the wallet's coins for what is told about them. Changes nothing; what lightningd does not answer is left
/// out. Owned by a batch's Funding or by a preview, and runs in the scope of that batch or preview.
class CoinLook {
 public:
  CoinLook(context::Calls calls, const request::Request& request) : calls_(std::move(calls)), request_(request) {}
  CoinLook(const CoinLook&) = delete;
  CoinLook& operator=(const CoinLook&) = delete;

  /// The wallet's error; when it is about too little money, with why coins do not count.
  void explain(const util::Error& error, bitcoin::Perkw feerate, util::Function<void(util::Error)> then);

  /// Whether the user may have expected more of `minconf`: given coins are spent whatever they have.
  [[nodiscard]] bool minconf_is_ignored() const { return request_.has_utxos && request_.has_minconf; }
  /// Then: a warning for each given coin that has fewer confirmations.
  void find_younger(util::Function<void(std::vector<std::string>)> then);

 private:
  [[nodiscard]] std::string why_not_counted(const CoinCensus& census, int code, bitcoin::Perkw feerate) const;
  void look(lightningd::Reply<CoinCensus> then);

  context::Calls calls_;
  const request::Request& request_;
};

}  // namespace checks
