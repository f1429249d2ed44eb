#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "json/value.hpp"
#include "util/result.hpp"

namespace request {

/// A part of what is left, in place of an amount: "40%" of it, or "*2", which shares with other weights
/// what the percentages leave over. "all" is the weight 1. What is left: what the coins can pay after
/// the fee and the fixed amounts.
struct Share {
  /// One percent is a million parts.
  static constexpr std::uint32_t whole = 100'000'000;

  std::string text;          ///< as the user wrote it
  std::uint32_t weight = 0;  ///< 0: a percentage
  std::uint32_t parts = 0;   ///< of `whole`; 0: a weight

  [[nodiscard]] bool is_all() const { return text == "all"; }
};

/// Whether the text is meant as a share: "all", "...%" or "*...".
[[nodiscard]] bool looks_like_share(std::string_view text);
/// Percentages above 0 and up to 100 with at most six decimals; weights from 1 to 4294967295.
/// Errors: -32602.
[[nodiscard]] util::Result<Share> parse_share(const json::Value& value);

/// An amount, or a share of what is left.
struct AmountOrShare {
  bitcoin::Sat fixed;
  std::optional<Share> share;
};
[[nodiscard]] util::Result<AmountOrShare> parse_amount_or_share(const json::Value& value);

/// The rules that hold between the shares of one batch, be they for channels or for payments.
class ShareRules {
 public:
  /// To be called for each share, in their order; an error says why this one, of what is written as `given`, does not
  /// go with those before. `amount` is the path of its amount.
  [[nodiscard]] util::Result<void> add(const json::Value& given, const std::string& amount, const Share& share);

 private:
  bool all_ = false;
  std::uint64_t parts_ = 0;
  std::uint64_t weight_ = 0;
};

/// One share that is to be paid.
struct Claim {
  std::size_t payee = 0;  ///< the place among all that are paid: destinations by their index, then payments
  Share share;
  bitcoin::Sat cap;                      ///< the most that the peer takes; what is above it is left over
  std::optional<std::size_t> payment{};  ///< its index, when it is no channel

  /// The parameter that asks for it.
  [[nodiscard]] std::string name() const;
};

/// What the claims get of `left`, in their order: whole satoshi, rounded down. When nothing has to be left
/// over (there are weights, or the percentages are 100), the last of them gets what rounding has left.
[[nodiscard]] std::vector<bitcoin::Sat> split(bitcoin::Sat left, const std::vector<Claim>& claims);

}  // namespace request
