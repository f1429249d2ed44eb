#pragma once

#include <cstdint>

#include "bitcoin/amounts.hpp"
#include "util/bytes.hpp"

namespace bitcoin {

/// lightningd's dust limit for a P2TR change output, and the least a channel may have.
inline constexpr Sat change_dust{330};
inline constexpr Sat channel_dust{546};

/// Of an output whose script has 34 bytes: P2WSH, which pays to a channel, and P2TR, which is lightningd's change.
inline constexpr std::uint64_t output_weight = 4 * (8 + 1 + 34);

/// Of an output to an address: its script is shorter than 253 bytes.
[[nodiscard]] std::uint64_t weight_of_output(const util::Bytes& script);

/// The least that bitcoind relays to a script (GetDustThreshold, at its dustrelayfee of 3 sat a vbyte): what spending
/// it takes depends on its kind. 546 for P2PKH, 540 for P2SH, 294 for P2WPKH, 330 for P2WSH and P2TR.
[[nodiscard]] Sat dust_limit(const util::Bytes& script);

/// The most that bitcoind relays.
inline constexpr std::uint64_t max_standard_weight = 400'000;

/// In perkw: far above what bitcoind takes.
inline constexpr std::uint64_t highest_feerate = 100'000'000;

/// The most a channel may have unless both sides offer large channels (BOLT 2: below 2^24 sat).
inline constexpr Sat max_small_channel{16'777'215};

/// Fee for `weight`, rounded down as lightningd does.
[[nodiscard]] Sat fee_for(std::uint64_t weight, Perkw feerate);

/// What bitcoind asks for a transaction of this weight at this feerate: it counts whole vbytes, and rounds both
/// these and the fee up. It is what we pay, so that a feerate exactly at bitcoind's floor is enough.
[[nodiscard]] Sat whole_vbytes_fee(std::uint64_t weight, Perkw feerate);

/// What a transaction costs, which is known before any peer has named its output's script.
struct Cost {
  Sat fee;
  Sat change;     ///< 0 without a change output
  Perkw feerate;  ///< what was asked for
  std::uint64_t weight = 0;
};

}  // namespace bitcoin
