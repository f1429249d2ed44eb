#include "checks/coin_look.hpp"

#include <utility>

#include "context/calls.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace checks {

using lightningd::NodeInfo;
using util::Error;
using util::Result;
using util::str;

void CoinLook::explain(const Error& error, bitcoin::Perkw feerate, util::Function<void(Error)> then) {
  const bool about_funds =
      lightningd::is_shortage(error.code) || error.message.find("Insufficient funds") != std::string::npos;
  if (!about_funds) return then(error);
  look([this, error = error, feerate, then = std::move(then)](const Result<CoinCensus>& census) mutable {
    if (census) error.message += why_not_counted(*census, error.code, feerate);
    then(std::move(error));
  });
}

std::string CoinLook::why_not_counted(const CoinCensus& census, int code, bitcoin::Perkw feerate) const {
  if (code == lightningd::code::emergency_reserve) return census.not_in_reserve(request_.utxos);
  return request_.has_utxos ? census.not_given(request_.utxos, feerate) : census.not_chosen(request_.minconf, feerate);
}

void CoinLook::find_younger(util::Function<void(std::vector<std::string>)> then) {
  look([this, then = std::move(then)](const Result<CoinCensus>& census) mutable {
    std::vector<std::string> warnings;
    const auto younger = census ? census->younger(request_.utxos, request_.minconf) : std::vector<std::string>();
    for (const auto& coin : younger) {
      warnings.push_back(str("minconf: has no effect on given utxos: ", coin, " confirmations, fewer than ",
                             request_.minconf, ", and is spent all the same"));
    }
    then(std::move(warnings));
  });
}

void CoinLook::look(lightningd::Reply<CoinCensus> then) {
  using Outputs = std::vector<lightningd::WalletOutput>;
  auto listed = [this, then = std::move(then)](Result<Outputs> outputs) mutable {
    if (!outputs) return then(outputs.error());
    auto at = [outputs = std::move(*outputs), then = std::move(then)](const Result<NodeInfo>& node) mutable {
      if (!node) return then(node.error());
      then(CoinCensus(std::move(outputs), node->blockheight));
    };
    calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", std::move(at)));
  };
  calls_.client.listfunds(calls_.local<Outputs>("listfunds", std::move(listed)));
}

}  // namespace checks
