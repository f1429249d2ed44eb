#include "given/witness_form.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "bitcoin/byte_reader.hpp"
#include "bitcoin/ripemd160.hpp"
#include "bitcoin/script_ops.hpp"
#include "psbt/psbt_keys.hpp"
#include "util/str.hpp"

namespace given {

namespace {

using util::Bytes;
using util::Error;
using util::Result;
using util::str;
using Stack = std::vector<Bytes>;

constexpr std::uint8_t sighash_all = 0x01;
constexpr std::size_t public_key_size = 33;

Error malformed(const std::string& what) { return Error{-1, what, {}}; }

bool hashes_to(const auto& digest, const Bytes& script) {
  return std::equal(digest.begin(), digest.end(), script.begin() + 2, script.end());
}

std::optional<Stack> read_stack(const Bytes& witness) {
  bitcoin::ByteReader in(witness);
  Stack stack;
  const auto count = in.compact_size();
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) stack.push_back(in.sized_bytes());
  return in.finished() ? std::optional(stack) : std::nullopt;
}

/// A number of DER at `at`: positive, in its shortest form. Where it ends.
std::optional<std::size_t> end_of_number(std::span<const std::uint8_t> bytes, std::size_t at) {
  constexpr std::uint8_t integer = 0x02;
  if (at + 2 > bytes.size() || bytes[at] != integer) return std::nullopt;
  const std::size_t size = bytes[at + 1];
  const auto first = at + 2;
  if (size == 0 || first + size > bytes.size() || (bytes[first] & 0x80) != 0) return std::nullopt;
  if (size > 1 && bytes[first] == 0 && (bytes[first + 1] & 0x80) == 0) return std::nullopt;
  return first + size;
}

/// BIP 146: bitcoind relays the lower one of the two numbers that a signature may have.
bool is_low(std::span<const std::uint8_t> number) {
  constexpr std::array<std::uint8_t, 32> half{0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                              0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x5D, 0x57, 0x6E, 0x73, 0x57, 0xA4,
                                              0x50, 0x1D, 0xDF, 0xE9, 0x2F, 0x46, 0x68, 0x1B, 0x20, 0xA0};
  if (number.size() != half.size()) return number.size() < half.size();
  return !std::lexicographical_compare(half.begin(), half.end(), number.begin(), number.end());
}

/// BIP 66: two numbers, and the sighash type behind them.
bool is_signature(const Bytes& bytes) {
  constexpr std::uint8_t sequence = 0x30;
  if (bytes.size() < 9 || bytes.size() > 73 || bytes[0] != sequence || bytes[1] != bytes.size() - 3) return false;
  const auto numbers = std::span(bytes).first(bytes.size() - 1);
  const auto middle = end_of_number(numbers, 2);
  const auto end = middle ? end_of_number(numbers, *middle) : std::nullopt;
  return end == numbers.size() && is_low(numbers.subspan(*middle + 2));
}

Result<void> check_signature(const Bytes& bytes) {
  if (!is_signature(bytes)) return malformed("its signature is none that bitcoind relays (DER, with the low number)");
  if (bytes.back() == sighash_all) return {};
  return malformed(str("its signature is of sighash type ", int{bytes.back()}, ", not ALL (1)"));
}

Result<void> check_schnorr(const Bytes& bytes) {
  if (bytes.size() == 64) return {};
  if (bytes.size() != 65) return malformed(str("its signature has ", bytes.size(), " bytes: taproot's have 64 or 65"));
  if (bytes.back() == sighash_all) return {};
  return malformed(str("its signature is of sighash type ", int{bytes.back()}, ", not ALL (1) or the default"));
}

Result<void> check_key_hash(const Bytes& signature, const Bytes& key, const Bytes& script) {
  if (key.size() != public_key_size) return malformed(str("its key has ", key.size(), " bytes, not ", public_key_size));
  if (!hashes_to(bitcoin::hash160(key), script)) return malformed("its key is not the one that the coin is for");
  return check_signature(signature);
}

/// OP_m, keys, OP_n, OP_CHECKMULTISIG.
struct Multisig {
  std::size_t signatures = 0;
  std::vector<Bytes> keys;
};

std::optional<Multisig> read_multisig(const Bytes& script) {
  namespace op = bitcoin::op;
  if (script.size() < 3 || script.back() != op::check_multisig || script[0] < op::one || script[0] > op::sixteen)
    return {};
  Multisig multisig{script[0] - op::one + 1u, {}};
  std::size_t at = 1;
  while (at + 1 + public_key_size <= script.size() - 2 && script[at] == public_key_size) {
    const auto key = script.begin() + static_cast<std::ptrdiff_t>(at + 1);
    multisig.keys.emplace_back(key, key + static_cast<std::ptrdiff_t>(public_key_size));
    at += 1 + public_key_size;
  }
  const bool whole = at == script.size() - 2 && script[at] == multisig.keys.size() + op::one - 1;
  return whole ? std::optional(multisig) : std::nullopt;
}

Result<void> check_items(std::span<const Bytes> items) {
  constexpr std::size_t most_items = 100, largest_item = 80;
  if (items.size() > most_items) return malformed(str("its witness has more than ", most_items, " items"));
  const bool fit = std::all_of(items.begin(), items.end(), [](const auto& i) { return i.size() <= largest_item; });
  return fit ? Result<void>() : malformed(str("an item of its witness has more than ", largest_item, " bytes"));
}

Result<void> check_script_hash(const Stack& stack, const Bytes& script) {
  constexpr std::size_t largest_script = 3600;
  const auto& last = stack.back();
  if (!hashes_to(util::sha256(last.data(), last.size()), script)) {
    return malformed("its witness does not end with the script that the coin is for");
  }
  if (last.size() > largest_script) return malformed(str("its script has more than ", largest_script, " bytes"));
  const auto items = std::span(stack).first(stack.size() - 1);
  if (auto fit = check_items(items); !fit) return fit;
  const auto multisig = read_multisig(last);
  if (multisig && items.size() != multisig->signatures + 1) {
    return malformed(str("its witness has ", items.size() - std::min<std::size_t>(items.size(), 1),
                         " signatures, and its script asks for ", multisig->signatures));
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!(multisig && i > 0) && !is_signature(items[i])) continue;
    if (auto right = check_signature(items[i]); !right) return right;
  }
  return {};
}

/// BIP 341: one signature by the key, or what a leaf asks for, the leaf, and its place in the tree.
Result<void> check_taproot(const Stack& stack) {
  constexpr std::uint8_t annex = 0x50, tapscript = 0xc0;
  constexpr std::size_t head = 33, step = 32, deepest = 128;
  if (stack.size() == 1) return check_schnorr(stack[0]);
  const auto& control = stack.back();
  if (!control.empty() && control[0] == annex)
    return malformed("its witness has an annex, which bitcoind does not relay");
  if (control.size() < head || (control.size() - head) % step != 0 || control.size() > head + step * deepest) {
    return malformed(str("its control block has ", control.size(), " bytes, not 33 and a multiple of 32"));
  }
  if ((control[0] & 0xfe) != tapscript) return malformed("its leaf is of a version that bitcoind does not relay");
  const auto items = std::span(stack).first(stack.size() - 2);
  if (auto fit = check_items(items); !fit) return fit;
  for (const auto& item : items) {
    if (item.size() != 65) continue;
    if (auto right = check_schnorr(item); !right) return right;
  }
  return {};
}

bool is_key_hash(const Bytes& script) { return script.size() == 22; }
bool is_taproot(const Bytes& script) { return script.size() == 34 && script[0] != 0; }

Result<void> check_final(const Bytes& witness, const Bytes& script) {
  const auto stack = read_stack(witness);
  if (!stack || stack->empty()) return malformed("its witness is empty, or damaged");
  if (is_taproot(script)) return check_taproot(*stack);
  if (!is_key_hash(script)) return check_script_hash(*stack, script);
  if (stack->size() != 2) {
    return malformed(str("its witness has ", stack->size(), " items, not a signature and a key"));
  }
  return check_key_hash((*stack)[0], (*stack)[1], script);
}

/// Signatures that are not put together yet: PSBT_IN_PARTIAL_SIG, by their keys.
std::vector<std::pair<Bytes, Bytes>> partial_signatures(const psbt::PsbtMap& map) {
  std::vector<std::pair<Bytes, Bytes>> found;
  for (const auto& [key, value] : map.entries) {
    if (key[0] == psbt::psbt_key::in_partial_signature) found.emplace_back(Bytes(key.begin() + 1, key.end()), value);
  }
  return found;
}

Result<void> check_partial_script(const psbt::PsbtMap& map, const Bytes& script) {
  const auto* witness_script = map.get({psbt::psbt_key::in_witness_script});
  if (witness_script == nullptr) return malformed("its witness script is missing");
  if (!hashes_to(util::sha256(witness_script->data(), witness_script->size()), script)) {
    return malformed("its witness script is not the one that the coin is for");
  }
  const auto multisig = read_multisig(*witness_script);
  std::size_t ours = 0;
  for (const auto& [key, signature] : partial_signatures(map)) {
    if (auto right = check_signature(signature); !right) return right;
    if (multisig) ours += static_cast<std::size_t>(std::count(multisig->keys.begin(), multisig->keys.end(), key));
  }
  if (!multisig || ours >= multisig->signatures) return {};
  return malformed(str("it has ", ours, " signatures, and its script asks for ", multisig->signatures));
}

Result<void> check_partial(const psbt::PsbtMap& map, const Bytes& script) {
  if (is_taproot(script)) {
    const auto* signature = map.get({psbt::psbt_key::in_tap_key_signature});
    return signature == nullptr ? Result<void>() : check_schnorr(*signature);
  }
  if (!is_key_hash(script)) return check_partial_script(map, script);
  const auto signatures = partial_signatures(map);
  if (signatures.size() != 1)
    return malformed(str("it has ", signatures.size(), " signatures, and its coin is for one key"));
  return check_key_hash(signatures[0].second, signatures[0].first, script);
}

}  // namespace

Result<void> check_witness(const psbt::Psbt& signed_psbt, std::size_t input, const Bytes& script) {
  const auto& map = signed_psbt.input_map(input);
  const auto* script_sig = map.get({psbt::psbt_key::in_final_script_sig});
  if (script_sig != nullptr && !script_sig->empty())
    return malformed("it has a scriptSig, which its coin does not take");
  const auto* witness = map.get({psbt::psbt_key::in_final_witness});
  return witness != nullptr ? check_final(*witness, script) : check_partial(map, script);
}

std::optional<std::uint64_t> signed_weight(const psbt::Psbt& signed_psbt) {
  auto weight = signed_psbt.base_weight() + 2;  // marker and flag
  for (std::size_t i = 0; i < signed_psbt.inputs().size(); ++i) {
    const auto* witness = signed_psbt.input_map(i).get({psbt::psbt_key::in_final_witness});
    if (witness == nullptr) return std::nullopt;
    weight += witness->size();
  }
  return weight;
}

}  // namespace given
