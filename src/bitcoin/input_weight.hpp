#pragma once

#include <cstdint>

/// What an input adds to a transaction's weight, by its parts. What stands in its witness comes with its length.
namespace bitcoin::input_weight {

/// Outpoint, sequence and the length of an empty scriptSig weigh four a byte; then comes the number of witnesses.
inline constexpr std::uint64_t bare = 4 * (32 + 4 + 4 + 1) + 1;
/// P2TR, by its key.
inline constexpr std::uint64_t key_spend = 1 + 64;
/// The largest signature in DER, with its sighash type. lightningd's wallet makes none but shorter ones.
inline constexpr std::uint64_t signature = 1 + 72;
inline constexpr std::uint64_t short_signature = 1 + 71;
inline constexpr std::uint64_t key = 1 + 33;

}  // namespace bitcoin::input_weight
