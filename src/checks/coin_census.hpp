#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lightningd/client.hpp"

namespace checks {

/// The wallet's coins as listfunds shows them, and why some of them cannot be spent now.
class CoinCensus {
 public:
  CoinCensus(std::vector<lightningd::WalletOutput> outputs, std::uint32_t height)
      : outputs_(std::move(outputs)), height_(height) {}

  // For an error about too little money: how many coins do not count, why, and what would free them; empty when all
  // count.

  /// When the wallet was to choose.
  [[nodiscard]] std::string not_chosen(std::uint32_t minconf, bitcoin::Perkw feerate) const;
  /// When the caller has given these; with those that could be given, too.
  [[nodiscard]] std::string not_given(const std::vector<bitcoin::Outpoint>& given, bitcoin::Perkw feerate) const;
  /// For min-emergency-msat, beside given ones.
  [[nodiscard]] std::string not_in_reserve(const std::vector<bitcoin::Outpoint>& given) const;

  /// Those of these coins that have fewer confirmations, each as "<outpoint> has <number>".
  [[nodiscard]] std::vector<std::string> younger(const std::vector<bitcoin::Outpoint>& coins,
                                                 std::uint32_t minconf) const;

 private:
  /// What coins are wanted for.
  struct Use {
    std::optional<std::uint32_t> minconf;   ///< nothing: they need not be confirmed
    std::optional<bitcoin::Perkw> feerate;  ///< nothing: not to be spent, only to be there
  };
  enum class Obstacle { reserved, immature, locked, young, wrapped, uneconomical };
  /// Coins that have something in common.
  struct Group {
    std::size_t count = 0;
    bitcoin::Sat sum;
    std::uint32_t first_free = UINT32_MAX;  ///< of the reserved and the locked: the lowest height

    void add(const lightningd::WalletOutput& output);
    [[nodiscard]] std::string text() const;
  };
  using Outputs = std::vector<lightningd::WalletOutput>;

  [[nodiscard]] std::uint32_t confirmations(const lightningd::WalletOutput& output) const;
  /// The first that holds.
  [[nodiscard]] std::optional<Obstacle> obstacle(const lightningd::WalletOutput& output, const Use& use) const;
  [[nodiscard]] static std::string remedy(Obstacle obstacle, const Group& group, const Use& use);
  /// All but the given.
  [[nodiscard]] Outputs beside(const std::vector<bitcoin::Outpoint>& given) const;
  /// What stands in the way of which, behind `intro`.
  [[nodiscard]] std::string obstacles(const Outputs& outputs, const Use& use, std::string_view intro) const;

  Outputs outputs_;
  std::uint32_t height_;
};

}  // namespace checks
