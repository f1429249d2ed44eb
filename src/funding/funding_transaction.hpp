#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/fees.hpp"
#include "bitcoin/ids.hpp"
#include "psbt/psbt.hpp"
#include "util/result.hpp"
#include "util/rope.hpp"

namespace funding {

/// Weight that lightningd is asked for beyond that of the transaction, so that what it leaves for the fee is
/// enough for whole vbytes too: up to 3 to make them whole, and 4 for a sat at lightningd's least feerate, 253.
inline constexpr std::uint64_t rounding_weight = 8;

/// The outputs that a transaction is to have beside its change: so many, of that weight together. Most often they are
/// those of channels, and a number says it all.
struct Outputs {
  // NOLINTNEXTLINE(google-explicit-constructor)
  Outputs(std::size_t channels = 0) : count(channels), weight(channels * bitcoin::output_weight) {}

  void add(const util::Bytes& script) {
    ++count;
    weight += bitcoin::weight_of_output(script);
  }

  std::size_t count;
  std::uint64_t weight;
};

/// Weight of a transaction with these outputs and one input's worth of counters, but
/// without any input; and, on top, weight for rounding and for longer counters: what fundpsbt and utxopsbt get as
/// `startweight`.
[[nodiscard]] std::uint64_t start_weight(const Outputs& outputs);

/// What the wallet proposed for one set of destinations: the inputs, and a change output or none.
struct Template {
  psbt::Psbt psbt;
  bitcoin::Perkw feerate;
  std::uint64_t weight = 0;  ///< lightningd's estimate: start weight (with its rounding), inputs and change
  bitcoin::Sat excess;       ///< beyond amount and fee; feeds the shares
  bool has_change = false;
  bool is_users = false;                     ///< the PSBT is the user's, who signs it: its weight is known in full
  bitcoin::Sat dust = bitcoin::change_dust;  ///< below that there is no change
};

/// The template's true final weight once it has these outputs: lightningd counts one
/// byte for the number of inputs, forgets the change output in that of outputs, and (part of) the script of a P2WSH
/// input.
[[nodiscard]] std::uint64_t final_weight(const Template& proposal, const Outputs& outputs);

/// lightningd makes change of whatever is left after the fee, as it counts that. Where this is not enough for what it
/// has not counted, there is no change: what would remain of it is dust, and becomes fee.
[[nodiscard]] Template without_poor_change(Template proposal, bitcoin::Sat paid, const Outputs& outputs);

/// Refuses a PSBT with an input that is not native segwit (-32602, it was the user's choice): the
/// transaction's id would change when it is signed.
[[nodiscard]] util::Result<void> check_inputs(const psbt::Psbt& psbt);

/// Of the transaction that pays `paid` to these outputs; build() makes one with the same. Errors:
/// those of build().
[[nodiscard]] util::Result<bitcoin::Cost> cost_of(const Template& proposal, bitcoin::Sat paid, const Outputs& outputs);

/// One channel's output, what its peer was told in fundchannel_start; or a payment's.
struct FundingOutput {
  bitcoin::Sat amount;
  util::Bytes script;
};

/// The unsigned funding transaction of one round.
struct FundingTransaction {
  util::SharedText psbt;       ///< base64, version 0
  util::SharedText bare_psbt;  ///< the same, stripped
  util::SharedText to_sign;    ///< of a user's PSBT: with all that came in it, and of its version
  bitcoin::Txid txid;
  std::vector<std::uint32_t> outnums;  ///< one for each FundingOutput, in the order given
  std::optional<std::uint32_t> change_outnum;
  bitcoin::Cost cost;
};

/// Puts the outputs and the change in random order and makes the fee exact. Checks what must
/// hold before anybody commits to it: inputs = outputs + fee with a fee of what was asked for, all
/// inputs native segwit (else the txid would change when signed). Errors have code -1, or -32602 for
/// an input that the user chose wrongly.
[[nodiscard]] util::Result<FundingTransaction> build(const Template& proposal,
                                                     const std::vector<FundingOutput>& outputs,
                                                     std::mt19937_64& random);

}  // namespace funding
