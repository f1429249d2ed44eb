#include "psbt/fee.hpp"

namespace psbt {

using bitcoin::Sat;

std::optional<Sat> fee(const Psbt& psbt, AmountOf amount_of) {
  Sat in, out;
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    const auto amount = amount_of(i);
    if (!amount) return std::nullopt;
    in = in + *amount;
  }
  for (const auto& output : psbt.outputs()) out = out + output.amount;
  return in < out ? std::nullopt : std::optional(in - out);
}

}  // namespace psbt
