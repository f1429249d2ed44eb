#include "funding/final_transaction.hpp"

#include <optional>
#include <vector>

#include "funding/byte_writer.hpp"
#include "funding/psbt_keys.hpp"
#include "util/str.hpp"

namespace funding {

namespace {

/// A witness: the number of its elements, then each with its length.
util::Bytes witness_of(const std::vector<util::Bytes>& elements) {
  ByteWriter out;
  out.compact_size(elements.size());
  for (const auto& element : elements) out.sized_bytes(element);
  return out.take();
}

std::optional<util::Bytes> final_witness(const PsbtMap& input) {
  if (const auto* witness = input.get({psbt_key::in_final_witness})) return *witness;
  if (const auto* signature = input.get({psbt_key::in_tap_key_signature})) return witness_of({*signature});
  for (const auto& [key, value] : input.entries) {
    // The rest of the key is the public key that the signature is for.
    if (key.size() == 34 && key[0] == psbt_key::in_partial_signature) {
      return witness_of({value, util::Bytes(key.begin() + 1, key.end())});
    }
  }
  return std::nullopt;
}

/// The marker and flag of BIP 144 follow the version, the witnesses come before the locktime.
util::Bytes with_witnesses(const util::Bytes& unsigned_tx, const util::Bytes& witnesses) {
  ByteWriter out;
  out.bytes(util::Bytes(unsigned_tx.begin(), unsigned_tx.begin() + 4));
  out.u8(0).u8(1);
  out.bytes(util::Bytes(unsigned_tx.begin() + 4, unsigned_tx.end() - 4));
  out.bytes(witnesses);
  out.bytes(util::Bytes(unsigned_tx.end() - 4, unsigned_tx.end()));
  return out.take();
}

}  // namespace

util::Result<util::Bytes> final_transaction(const Psbt& psbt) {
  ByteWriter witnesses;
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    const auto witness = final_witness(psbt.input_map(i));
    if (!witness) return util::Error{-1, util::str("input ", i, " has no signature"), {}};
    witnesses.bytes(*witness);
  }
  return with_witnesses(psbt.unsigned_transaction(), witnesses.take());
}

}  // namespace funding
