#include "sending/below_floor.hpp"

#include "bitcoin/fees.hpp"
#include "psbt/fee.hpp"
#include "psbt/final_transaction.hpp"
#include "util/str.hpp"

namespace sending {

std::optional<std::string> below_floor(bitcoin::Sat fee, std::uint64_t weight, bitcoin::Perkw floor) {
  const auto least = bitcoin::whole_vbytes_fee(weight, floor);
  if (fee >= least) return std::nullopt;
  return util::str("its fee of ", fee.value, " sat is less than the ", least.value, " sat that the mempool's floor of ",
                   floor.value, " perkw comes to");
}

std::optional<std::string> below_floor(const psbt::Psbt& signed_psbt, bitcoin::Perkw floor) {
  const auto transaction = psbt::final_transaction(signed_psbt);
  const auto fee = psbt::fee(signed_psbt, [&signed_psbt](std::size_t i) { return signed_psbt.input_amount(i); });
  if (!transaction || !fee) return std::nullopt;
  // What is no witness counts four times (BIP 141).
  const auto weight = transaction->size() + signed_psbt.base_weight() / 4 * 3;
  return below_floor(*fee, weight, floor);
}

}  // namespace sending
