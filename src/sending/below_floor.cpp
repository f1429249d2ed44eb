#include "sending/below_floor.hpp"

#include "bitcoin/fees.hpp"
#include "psbt/final_transaction.hpp"
#include "util/str.hpp"

namespace sending {

using bitcoin::Sat;

std::optional<std::string> below_floor(const psbt::Psbt& signed_psbt, bitcoin::Perkw floor) {
  const auto transaction = psbt::final_transaction(signed_psbt);
  if (!transaction) return std::nullopt;
  Sat in, out;
  for (std::size_t i = 0; i < signed_psbt.inputs().size(); ++i) {
    const auto amount = signed_psbt.input_amount(i);
    if (!amount) return std::nullopt;
    in = in + *amount;
  }
  for (const auto& output : signed_psbt.outputs()) out = out + output.amount;
  if (in < out) return std::nullopt;
  // What is no witness counts four times (BIP 141).
  const auto weight = transaction->size() + signed_psbt.base_weight() / 4 * 3;
  const auto least = bitcoin::whole_vbytes_fee(weight, floor);
  if (in - out >= least) return std::nullopt;
  return util::str("its fee of ", (in - out).value, " sat is less than the ", least.value,
                   " sat that the mempool's floor of ", floor.value, " perkw comes to");
}

}  // namespace sending
