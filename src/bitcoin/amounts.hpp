#pragma once

#include <compare>
#include <cstdint>

namespace bitcoin {

/// Satoshi. Does not mix with Msat.
struct Sat {
  std::uint64_t value = 0;
  auto operator<=>(const Sat&) const = default;
};
inline Sat operator+(Sat a, Sat b) { return {a.value + b.value}; }
inline Sat operator-(Sat a, Sat b) { return {a.value - b.value}; }

/// Millisatoshi.
struct Msat {
  std::uint64_t value = 0;
  auto operator<=>(const Msat&) const = default;
};
[[nodiscard]] inline Msat to_msat(Sat sat) { return {sat.value * 1000}; }

/// All satoshis there will ever be, as an upper bound for every amount.
inline constexpr Sat max_money{21'000'000ull * 100'000'000ull};

/// Satoshi per 1,000 weight units.
struct Perkw {
  std::uint32_t value = 0;
  auto operator<=>(const Perkw&) const = default;
};

}  // namespace bitcoin
