#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lightningd/client.hpp"

namespace checks {

/// The wallet's coins as listfunds shows them, and why some of them cannot be spent now.
class CoinCensus {
 public:
  CoinCensus(std::vector<lightningd::WalletOutput> outputs, std::uint32_t height)
      : outputs_(std::move(outputs)), height_(height) {}

  /// For an error about too little money: how many coins do not count, why, and what would free them; empty when all
  /// count.
  [[nodiscard]] std::string unusable(std::uint32_t minconf, bitcoin::Perkw feerate) const;

  /// Those of these coins that have fewer confirmations, each as "<outpoint> has <number>".
  [[nodiscard]] std::vector<std::string> younger(const std::vector<bitcoin::Outpoint>& coins,
                                                 std::uint32_t minconf) const;

 private:
  [[nodiscard]] std::uint32_t confirmations(const lightningd::WalletOutput& output) const;

  std::vector<lightningd::WalletOutput> outputs_;
  std::uint32_t height_;
};

}  // namespace checks
