#include "psbt/final_transaction.hpp"

#include <optional>
#include <vector>

#include "bitcoin/byte_writer.hpp"
#include "psbt/final_witness.hpp"
#include "psbt/psbt_keys.hpp"
#include "util/str.hpp"

namespace psbt {

namespace {

/// A witness: the number of its elements, then each with its length.
util::Bytes witness_of(const std::vector<util::Bytes>& elements) {
  bitcoin::ByteWriter out;
  out.compact_size(elements.size());
  for (const auto& element : elements) out.sized_bytes(element);
  return out.take();
}

/// BIP 174: what is final already stands as it is. With a scriptSig the input is not a native one, and the
/// transaction's id another than the unsigned one's.
std::optional<util::Bytes> witness_bytes(const Psbt& psbt, std::size_t input) {
  const auto& map = psbt.input_map(input);
  if (map.get({psbt_key::in_final_script_sig}) != nullptr) return std::nullopt;
  if (const auto* witness = map.get({psbt_key::in_final_witness})) return *witness;
  const auto elements = final_witness(psbt, input);
  return elements ? std::optional(witness_of(*elements)) : std::nullopt;
}

/// The marker and flag of BIP 144 follow the version, the witnesses come before the locktime.
util::Bytes with_witnesses(const util::Bytes& unsigned_tx, const util::Bytes& witnesses) {
  bitcoin::ByteWriter out;
  out.bytes(util::Bytes(unsigned_tx.begin(), unsigned_tx.begin() + 4));
  out.u8(0).u8(1);
  out.bytes(util::Bytes(unsigned_tx.begin() + 4, unsigned_tx.end() - 4));
  out.bytes(witnesses);
  out.bytes(util::Bytes(unsigned_tx.end() - 4, unsigned_tx.end()));
  return out.take();
}

}  // namespace

util::Result<void> check_signed(const Psbt& psbt) {
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    if (!is_signed(psbt.input_map(i))) return util::Error{-1, util::str("input ", i, " has no signature"), {}};
  }
  return {};
}

std::optional<util::Bytes> final_transaction(const Psbt& psbt) {
  bitcoin::ByteWriter witnesses;
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    const auto witness = witness_bytes(psbt, i);
    if (!witness) return std::nullopt;
    witnesses.bytes(*witness);
  }
  return with_witnesses(psbt.unsigned_transaction(), witnesses.take());
}

}  // namespace psbt
