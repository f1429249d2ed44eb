#pragma once

#include <cstdint>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "sim/random.hpp"
#include "sim/wallet.hpp"
#include "util/result.hpp"

namespace sim {

/// For how many blocks, unless the caller says otherwise.
inline constexpr std::uint32_t default_reserve = 72;

/// What fundpsbt and utxopsbt are asked for.
struct FundRequest {
  bool all = false;
  bitcoin::Sat amount;
  std::uint32_t feerate = 0;  ///< sat per 1,000 weight
  std::uint64_t weight = 0;   ///< of everything but the inputs
  std::uint32_t minconf = 1;
  bool nonwrapped = false;
  bool excess_as_change = false;
  bool keep_emergency = false;
  std::uint32_t reserve = default_reserve;
  std::uint32_t locktime = 0;
};

/// What they found.
struct Selection {
  std::vector<Coin*> coins;
  std::uint64_t weight = 0;  ///< with the inputs, without the change output
  bitcoin::Sat excess;
  bitcoin::Sat change;  ///< 0: no change output
};

/// Coin selection as wallet/reservation.c does it: random order, no optimisation.
class CoinSelection {
 public:
  CoinSelection(Wallet& wallet, Random& random, bitcoin::Sat emergency)
      : wallet_(wallet), random_(random), emergency_(emergency) {}

  /// fundpsbt. Errors 301 and 313.
  [[nodiscard]] util::Result<Selection> choose(const FundRequest& request);
  /// utxopsbt, with these coins. Errors 301 and 313.
  [[nodiscard]] util::Result<Selection> use(const FundRequest& request, std::vector<Coin*> coins);

  static constexpr bitcoin::Sat dust{330};
  static constexpr std::uint64_t change_output_weight = (8 + 1 + 34) * 4;
  [[nodiscard]] static bitcoin::Sat fee(std::uint32_t feerate, std::uint64_t weight);
  /// Of one input that spends the coin, with its witness.
  [[nodiscard]] static std::uint64_t input_weight(const Coin& coin);

 private:
  [[nodiscard]] std::vector<Coin*> candidates(const FundRequest& request);
  [[nodiscard]] util::Result<Selection> finish(const FundRequest& request, Selection found, bitcoin::Sat diff);
  [[nodiscard]] bitcoin::Sat lacking(const Selection& found) const;
  [[nodiscard]] bool dies(const FundRequest& request, const Selection& found) const;
  [[nodiscard]] bool keep_for_emergency(const FundRequest& request, Selection& found);

  Wallet& wallet_;
  Random& random_;
  bitcoin::Sat emergency_;
};

}  // namespace sim
