#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "funding/psbt.hpp"
#include "lightningd/types.hpp"
#include "util/result.hpp"
#include "util/rope.hpp"

namespace funding {

/// lightningd's dust limit for a P2TR change output, and the least a channel may have.
inline constexpr lightningd::Sat change_dust{330};
inline constexpr lightningd::Sat channel_dust{546};

/// The most a channel may have unless both sides offer large channels (BOLT 2: below 2^24 sat).
inline constexpr lightningd::Sat max_small_channel{16'777'215};

/// Weight that lightningd is asked for beyond that of the transaction, so that what it leaves for the fee is
/// enough for whole vbytes too: up to 3 to make them whole, and 4 for a sat at lightningd's least feerate, 253.
inline constexpr std::uint64_t rounding_weight = 8;

/// Weight of a transaction with `outputs` P2WSH outputs and one input's worth of counters, but
/// without any input, and the rounding weight: what fundpsbt and utxopsbt want as `startweight`.
[[nodiscard]] std::uint64_t start_weight(std::size_t outputs);

/// Fee for `weight`, rounded down as lightningd does.
[[nodiscard]] lightningd::Sat fee_for(std::uint64_t weight, lightningd::Perkw feerate);

/// What bitcoind asks for a transaction of this weight at this feerate: it counts whole vbytes, and rounds both
/// these and the fee up. It is what we pay, so that a feerate exactly at bitcoind's floor is enough.
[[nodiscard]] lightningd::Sat whole_vbytes_fee(std::uint64_t weight, lightningd::Perkw feerate);

/// What the wallet proposed for one set of destinations: the inputs, and a change output or none.
struct Template {
  Psbt psbt;
  lightningd::Perkw feerate;
  std::uint64_t weight = 0;  ///< lightningd's estimate: start weight (with its rounding), inputs and change
  lightningd::Sat excess;    ///< beyond amount and fee; feeds the shares
  bool has_change = false;
};

/// The template's true final weight once it has `outputs` funding outputs: lightningd counts one
/// byte for the number of inputs, forgets the change output in that of outputs, and (part of) the script of a P2WSH input.
[[nodiscard]] std::uint64_t final_weight(const Template& proposal, std::size_t outputs);

/// lightningd makes change of whatever is left after the fee, as it counts that. Where this is not enough for what it has
/// not counted, there is no change: what would remain of it is dust, and becomes fee.
[[nodiscard]] Template without_poor_change(Template proposal, lightningd::Sat paid, std::size_t outputs);

/// Refuses a PSBT with an input that is not native segwit (-32602, it was the user's choice): the
/// transaction's id would change when it is signed.
[[nodiscard]] util::Result<void> check_inputs(const Psbt& psbt);

/// What a transaction costs, which is known before any peer has named its output's script.
struct Cost {
  lightningd::Sat fee;
  lightningd::Sat change;     ///< 0 without a change output
  lightningd::Perkw feerate;  ///< what was asked for
  std::uint64_t weight = 0;
};

/// Of the transaction that pays `paid` to `outputs` channels; build() makes one with the same. Errors:
/// those of build().
[[nodiscard]] util::Result<Cost> cost_of(const Template& proposal, lightningd::Sat paid, std::size_t outputs);

/// One channel's output: what its peer was told in fundchannel_start.
struct FundingOutput {
  lightningd::Sat amount;
  util::Bytes script;
};

/// The unsigned funding transaction of one round.
struct FundingTransaction {
  util::SharedText psbt;       ///< base64, version 0
  util::SharedText bare_psbt;  ///< the same, stripped
  lightningd::Txid txid;
  std::vector<std::uint32_t> outnums;  ///< one for each FundingOutput, in the order given
  std::optional<std::uint32_t> change_outnum;
  Cost cost;
};

/// Puts the funding outputs and the change in random order and makes the fee exact. Checks what must
/// hold before anybody commits to it: inputs = outputs + fee with a fee of what was asked for, all
/// inputs native segwit (else the txid would change when signed). Errors have code -1, or -32602 for
/// an input that the user chose wrongly.
[[nodiscard]] util::Result<FundingTransaction> build(const Template& proposal,
                                                     const std::vector<FundingOutput>& outputs,
                                                     std::mt19937_64& random);

}  // namespace funding
