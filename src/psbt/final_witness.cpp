#include "psbt/final_witness.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "bitcoin/byte_reader.hpp"
#include "bitcoin/script_ops.hpp"
#include "psbt/psbt_keys.hpp"

namespace psbt {

namespace op = bitcoin::op;

namespace {

using Stack = std::vector<util::Bytes>;

constexpr std::uint8_t key_size = 33;

/// What a witness program (BIP 141) of this version and size commits to.
std::optional<util::Bytes> program(const util::Bytes& script, std::uint8_t version, std::uint8_t size) {
  if (script.size() != size + 2u || script[0] != version || script[1] != size) return std::nullopt;
  return util::Bytes(script.begin() + 2, script.end());
}

/// PSBT_IN_PARTIAL_SIG: the rest of the key is the public key that the signature is for.
std::vector<std::pair<util::Bytes, util::Bytes>> signatures_of(const PsbtMap& input) {
  std::vector<std::pair<util::Bytes, util::Bytes>> signatures;
  for (const auto& [key, value] : input.entries) {
    if (key.size() != key_size + 1u || key[0] != psbt_key::in_partial_signature) continue;
    signatures.emplace_back(util::Bytes(key.begin() + 1, key.end()), value);
  }
  return signatures;
}

/// The number that a script pushes in front of OP_CSV; `rest` ends behind it.
std::optional<std::uint32_t> delay_in(std::span<const std::uint8_t>& rest) {
  if (rest.empty()) return std::nullopt;
  const auto first = rest[0];
  if (first >= op::one && first <= op::sixteen) {
    rest = rest.subspan(1);
    return first - op::one + 1u;
  }
  // Blocks are counted with 16 bits; a third byte keeps the number positive.
  if (first < 1 || first > 3 || rest.size() <= first) return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < first; ++i) number |= std::uint32_t{rest[i + 1]} << (8 * i);
  rest = rest.subspan(first + 1u);
  const std::size_t shortest = number <= 0x7f ? 1 : number <= 0x7fff ? 2 : 3;
  return number > 16 && number <= 0xffff && first == shortest ? std::optional(number) : std::nullopt;
}

/// BIP 112 and BIP 68, for delays in blocks.
bool has_passed(std::uint32_t delay, std::uint32_t sequence, std::uint32_t transaction_version) {
  constexpr std::uint32_t disabled = 1u << 31;
  constexpr std::uint32_t in_seconds = 1u << 22;
  return transaction_version >= 2 && (sequence & (disabled | in_seconds)) == 0 && (sequence & 0xffff) >= delay;
}

/// The key whose signature alone the script asks for: "<key> OP_CHECKSIG", or "<key> OP_CHECKSIGVERIFY <delay> OP_CSV"
/// when the delay has passed.
std::optional<util::Bytes> key_of(const util::Bytes& script, std::uint32_t sequence,
                                  std::uint32_t transaction_version) {
  if (script.size() < key_size + 2u || script[0] != key_size) return std::nullopt;
  const util::Bytes key(script.begin() + 1, script.begin() + 1 + key_size);
  auto rest = std::span<const std::uint8_t>(script).subspan(1 + key_size);
  const auto check = rest[0];
  rest = rest.subspan(1);
  if (check == op::check_signature && rest.empty()) return key;
  if (check != op::check_signature_verify) return std::nullopt;
  const auto delay = delay_in(rest);
  if (!delay || rest.size() != 1 || rest[0] != op::check_sequence_verify) return std::nullopt;
  return has_passed(*delay, sequence, transaction_version) ? std::optional(key) : std::nullopt;
}

std::optional<Stack> witness_of_script(const Psbt& psbt, std::size_t input, const util::Bytes& hash) {
  const auto* script = psbt.input_map(input).get({psbt_key::in_witness_script});
  if (script == nullptr) return std::nullopt;
  const auto digest = util::sha256(script->data(), script->size());
  if (!std::equal(digest.begin(), digest.end(), hash.begin(), hash.end())) return std::nullopt;
  const auto version = bitcoin::ByteReader(psbt.unsigned_transaction()).u32();
  const auto key = key_of(*script, psbt.inputs()[input].sequence, version);
  for (const auto& [signer, signature] : signatures_of(psbt.input_map(input))) {
    if (signer == key) return Stack{signature, *script};
  }
  return std::nullopt;
}

}  // namespace

bool is_signed(const PsbtMap& input) {
  using namespace psbt_key;
  const std::array signatures{in_partial_signature, in_final_script_sig, in_final_witness, in_tap_key_signature,
                              in_tap_script_signature};
  return std::any_of(input.entries.begin(), input.entries.end(), [&signatures](const auto& entry) {
    return std::find(signatures.begin(), signatures.end(), entry.first[0]) != signatures.end();
  });
}

bool is_for_all(const PsbtMap& input, bool is_taproot) {
  const auto* type = input.get({psbt_key::in_sighash_type});
  if (type == nullptr) return true;
  const auto number = bitcoin::ByteReader(*type).u32();
  return number == 1 || (number == 0 && is_taproot);
}

std::optional<Stack> final_witness(const Psbt& psbt, std::size_t input) {
  const auto& map = psbt.input_map(input);
  const auto script = psbt.input_script(input);
  if (!script) return std::nullopt;
  if (program(*script, op::one, 32)) {
    const auto* signature = map.get({psbt_key::in_tap_key_signature});
    return signature == nullptr ? std::nullopt : std::optional(Stack{*signature});
  }
  if (program(*script, 0, 20)) {
    const auto signatures = signatures_of(map);
    if (signatures.size() != 1) return std::nullopt;
    return Stack{signatures[0].second, signatures[0].first};
  }
  const auto hash = program(*script, 0, 32);
  return hash ? witness_of_script(psbt, input, *hash) : std::nullopt;
}

}  // namespace psbt
