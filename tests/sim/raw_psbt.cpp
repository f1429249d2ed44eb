#include "sim/raw_psbt.hpp"

#include <algorithm>

#include "bitcoin/byte_reader.hpp"
#include "bitcoin/byte_writer.hpp"
#include "sim/script.hpp"

namespace sim {
namespace {

// BIP 174 and BIP 371 key types.
constexpr std::uint8_t unsigned_tx = 0x00, non_witness_utxo = 0x00, witness_utxo = 0x01, partial_signature = 0x02,
                       final_script_sig = 0x07, final_witness = 0x08, tap_key_signature = 0x13;
constexpr std::uint8_t magic[] = {0x70, 0x73, 0x62, 0x74, 0xff};

psbt::PsbtMap read_map(bitcoin::ByteReader& reader) {
  psbt::PsbtMap map;
  while (!reader.failed()) {
    const auto key = reader.sized_bytes();
    if (key.empty()) break;
    map.entries.emplace_back(key, reader.sized_bytes());
  }
  return map;
}

void write_map(bitcoin::ByteWriter& writer, const psbt::PsbtMap& map) {
  for (const auto& [key, value] : map.entries) writer.sized_bytes(key).sized_bytes(value);
  writer.u8(0);
}

const std::pair<util::Bytes, util::Bytes>* find_type(const psbt::PsbtMap& map, std::uint8_t type) {
  for (const auto& entry : map.entries) {
    if (entry.first[0] == type) return &entry;
  }
  return nullptr;
}

/// In the form of DER, for the whole transaction: two numbers of 32 bytes, the second one below half of the curve's
/// order.
util::Bytes as_signature(util::Bytes bytes) {
  constexpr std::uint8_t sequence = 0x30, integer = 0x02, for_all = 0x01;
  constexpr std::size_t r = 2, s = 2 + 34;
  bytes[0] = sequence;
  bytes[1] = 2 * 34;
  bytes[r] = bytes[s] = integer;
  bytes[r + 1] = bytes[s + 1] = 32;
  bytes[r + 2] = (bytes[r + 2] & 0x3f) | 1;
  bytes[s + 2] = (bytes[s + 2] & 0x3f) | 1;
  bytes.back() = for_all;
  return bytes;
}

}  // namespace

RawPsbt::RawPsbt(bitcoin::Transaction transaction) : transaction_(std::move(transaction)) {
  inputs_.resize(transaction_.inputs.size());
  outputs_.resize(transaction_.outputs.size());
  global_.set({unsigned_tx}, transaction_.serialise());
}

std::optional<RawPsbt> RawPsbt::from(const psbt::Psbt& psbt) {
  const util::Bytes bytes = psbt.serialise(0);
  bitcoin::ByteReader reader(bytes);
  reader.skip(sizeof magic);
  const auto global = read_map(reader);
  const auto* bare = global.get({unsigned_tx});
  if (bare == nullptr) return std::nullopt;
  auto transaction = bitcoin::Transaction::parse(*bare);
  if (!transaction) return std::nullopt;
  RawPsbt raw(std::move(*transaction));
  raw.global_ = global;
  for (auto& map : raw.inputs_) map = read_map(reader);
  for (auto& map : raw.outputs_) map = read_map(reader);
  if (!reader.finished()) return std::nullopt;
  return raw;
}

util::Bytes RawPsbt::serialise() const {
  bitcoin::ByteWriter writer;
  writer.bytes(magic);
  write_map(writer, global_);
  for (const auto& map : inputs_) write_map(writer, map);
  for (const auto& map : outputs_) write_map(writer, map);
  return writer.take();
}

void RawPsbt::describe(std::size_t index, const Coin& coin) {
  if (!coin.transaction.empty()) inputs_[index].set({non_witness_utxo}, coin.transaction);
  bitcoin::ByteWriter writer;
  inputs_[index].set({witness_utxo}, writer.u64(coin.amount.value).sized_bytes(coin.script).take());
}

bool RawPsbt::txid_is_known(std::size_t index) const {
  return inputs_[index].get({witness_utxo}) != nullptr || inputs_[index].get({final_script_sig}) != nullptr;
}

void RawPsbt::sign(std::size_t index, const Coin& coin, Random& random) {
  if (inputs_[index].get({witness_utxo}) == nullptr) describe(index, coin);
  if (is_p2tr(coin.script)) {
    inputs_[index].set({tap_key_signature}, random.bytes(64));
    return;
  }
  util::Bytes key{partial_signature, 0x02};  // a compressed public key follows the type
  const auto rest = random.bytes(32);
  key.insert(key.end(), rest.begin(), rest.end());
  if (!coin.key.empty()) std::copy(coin.key.begin(), coin.key.end(), key.begin() + 1);
  inputs_[index].set(std::move(key), as_signature(random.bytes(71)));
}

bool RawPsbt::is_signed() const {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (witness(i).empty()) return false;
  }
  return true;
}

/// The serialised witness stack; empty when the input is not signed.
util::Bytes RawPsbt::witness(std::size_t index) const {
  const auto& map = inputs_[index];
  bitcoin::ByteWriter writer;
  if (const auto* ready = map.get({final_witness})) return *ready;
  if (const auto* signature = map.get({tap_key_signature})) {
    return writer.compact_size(1).sized_bytes(*signature).take();
  }
  if (const auto* partial = find_type(map, partial_signature)) {
    const util::Bytes key(partial->first.begin() + 1, partial->first.end());
    return writer.compact_size(2).sized_bytes(partial->second).sized_bytes(key).take();
  }
  return {};
}

util::Bytes RawPsbt::final_transaction() const {
  static constexpr std::size_t version_size = 4, locktime_size = 4;
  const util::Bytes bare = transaction_.serialise();
  const std::span<const std::uint8_t> bytes(bare);
  bitcoin::ByteWriter writer;
  writer.bytes(bytes.first(version_size)).u8(0).u8(1);
  writer.bytes(bytes.subspan(version_size, bytes.size() - version_size - locktime_size));
  for (std::size_t i = 0; i < inputs_.size(); ++i) writer.bytes(witness(i));
  writer.bytes(bytes.last(locktime_size));
  return writer.take();
}

std::uint64_t RawPsbt::weight() const {
  static constexpr std::uint64_t p2wpkh_witness = 1 + 1 + 71 + 1 + 33;
  std::uint64_t weight = 4 * transaction_.serialise().size() + 2;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const auto size = witness(i).size();
    weight += size == 0 ? p2wpkh_witness : size;
  }
  return weight;
}

}  // namespace sim
