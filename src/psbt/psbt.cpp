#include "psbt/psbt.hpp"

#include <algorithm>

#include "bitcoin/byte_reader.hpp"
#include "bitcoin/byte_writer.hpp"
#include "psbt/psbt_keys.hpp"
#include "psbt/psbt_locktime.hpp"
#include "psbt/psbt_reader.hpp"
#include "psbt/psbt_writer.hpp"

namespace psbt {

namespace {

auto find_entry(auto& entries, const util::Bytes& key) {
  return std::find_if(entries.begin(), entries.end(), [&key](const auto& entry) { return entry.first == key; });
}

std::optional<bitcoin::TxOutput> parse_witness_utxo(const util::Bytes& value) {
  bitcoin::ByteReader in(value);
  const bitcoin::Sat amount{in.u64()};
  bitcoin::TxOutput output{amount, in.sized_bytes()};
  if (!in.finished()) return std::nullopt;
  return output;
}

/// The output at `outpoint`, from a transaction that claims to be the one with its txid.
std::optional<bitcoin::TxOutput> find_output(const util::Bytes& transaction, const bitcoin::Outpoint& outpoint) {
  auto previous = bitcoin::PreviousTransaction::parse(transaction);
  if (!previous || previous->txid != outpoint.txid || outpoint.vout >= previous->outputs.size()) return std::nullopt;
  return std::move(previous->outputs[outpoint.vout]);
}

}  // namespace

const util::Bytes* PsbtMap::get(const util::Bytes& key) const {
  const auto entry = find_entry(entries, key);
  return entry == entries.end() ? nullptr : &entry->second;
}

void PsbtMap::set(util::Bytes key, util::Bytes value) {
  const auto entry = find_entry(entries, key);
  if (entry == entries.end())
    entries.emplace_back(std::move(key), std::move(value));
  else
    entry->second = std::move(value);
}

void PsbtMap::remove(const util::Bytes& key) {
  const auto entry = find_entry(entries, key);
  if (entry != entries.end()) entries.erase(entry);
}

util::Result<Psbt> Psbt::parse(const util::Bytes& bytes) { return Reader(bytes).read(); }

util::Result<Psbt> Psbt::from_base64(std::string_view text) {
  const auto bytes = util::from_base64(text);
  if (!bytes) return util::Error{util::code::invalid_params, "PSBT: not base64", {}};
  return parse(*bytes);
}

util::Bytes Psbt::serialise(std::uint32_t version) const { return Writer(*this, version == 0 ? 0 : 2).write(); }

std::string Psbt::base64(std::uint32_t version) const { return util::to_base64(serialise(version)); }

Psbt Psbt::of(const bitcoin::SignedTransaction& signed_tx) {
  Psbt psbt;
  psbt.tx_ = signed_tx.transaction;
  psbt.fallback_locktime_ = psbt.tx_.locktime;
  psbt.output_maps_.resize(psbt.tx_.outputs.size());
  for (const auto& witness : signed_tx.witnesses)
    psbt.input_maps_.emplace_back().set({psbt_key::in_final_witness}, witness);
  return psbt;
}

Psbt Psbt::spending(const std::vector<bitcoin::Outpoint>& outpoints) {
  Psbt psbt;
  for (const auto& outpoint : outpoints) psbt.tx_.inputs.push_back({outpoint});
  psbt.input_maps_.resize(outpoints.size());
  return psbt;
}

// What the inputs required of the locktime goes with their maps: then it has to stand for itself.
void Psbt::strip() {
  fallback_locktime_ = tx_.locktime;
  global_ = {};
  input_maps_.assign(tx_.inputs.size(), {});
  output_maps_.assign(tx_.outputs.size(), {});
}

void Psbt::keep_spent_outputs() {
  std::vector<PsbtMap> kept(tx_.inputs.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto output = spent_output(i);
    if (!output) continue;
    bitcoin::ByteWriter value;
    value.u64(output->amount.value).sized_bytes(output->script);
    kept[i].set({psbt_key::in_witness_utxo}, value.take());
  }
  strip();
  input_maps_ = std::move(kept);
}

void Psbt::insert_output(std::size_t index, bitcoin::TxOutput output) {
  const auto at = static_cast<std::ptrdiff_t>(std::min(index, tx_.outputs.size()));
  tx_.outputs.insert(tx_.outputs.begin() + at, std::move(output));
  output_maps_.insert(output_maps_.begin() + at, PsbtMap{});
}

void Psbt::set_output_amount(std::size_t index, bitcoin::Sat amount) {
  if (index < tx_.outputs.size()) tx_.outputs[index].amount = amount;
}

void Psbt::remove_output(std::size_t index) {
  if (index >= tx_.outputs.size()) return;
  const auto at = static_cast<std::ptrdiff_t>(index);
  tx_.outputs.erase(tx_.outputs.begin() + at);
  output_maps_.erase(output_maps_.begin() + at);
}

void Psbt::set_output_field(std::size_t index, util::Bytes key, util::Bytes value) {
  if (index < output_maps_.size()) output_maps_[index].set(std::move(key), std::move(value));
}

std::optional<bitcoin::TxOutput> Psbt::spent_output(std::size_t index) const {
  if (index >= tx_.inputs.size()) return std::nullopt;
  const util::Bytes* witness_utxo = input_maps_[index].get({psbt_key::in_witness_utxo});
  const util::Bytes* transaction = input_maps_[index].get({psbt_key::in_non_witness_utxo});

  std::optional<bitcoin::TxOutput> output;
  if (witness_utxo != nullptr) output = parse_witness_utxo(*witness_utxo);
  if (transaction != nullptr) {
    const auto proven = find_output(*transaction, tx_.inputs[index].outpoint);
    // The transaction proves what is spent. A witness UTXO that says something else is a mistake or
    // a trick, and no basis for computing a fee.
    if (witness_utxo != nullptr && output != proven) return std::nullopt;
    output = proven;
  }
  if (output && output->amount > bitcoin::max_money) return std::nullopt;
  return output;
}

std::optional<bitcoin::Sat> Psbt::input_amount(std::size_t index) const {
  const auto output = spent_output(index);
  if (!output) return std::nullopt;
  return output->amount;
}

std::optional<util::Bytes> Psbt::input_script(std::size_t index) const {
  auto output = spent_output(index);
  if (!output) return std::nullopt;
  return std::move(output->script);
}

std::optional<std::uint32_t> Psbt::coinbase_height(std::size_t index) const {
  const util::Bytes* bytes = input_maps_[index].get({psbt_key::in_non_witness_utxo});
  const auto previous = bytes == nullptr ? std::nullopt : bitcoin::PreviousTransaction::parse(*bytes);
  if (!previous || previous->txid != tx_.inputs[index].outpoint.txid) return std::nullopt;
  return previous->coinbase_height;
}

std::uint32_t Psbt::locktime() const {
  const bool counts =
      std::any_of(tx_.inputs.begin(), tx_.inputs.end(), [](const auto& input) { return input.sequence != 0xFFFFFFFF; });
  return counts ? tx_.locktime : 0;
}

std::uint64_t Psbt::base_weight() const {
  // Version and locktime; then outpoint, the length of an empty scriptSig and sequence; then amount.
  std::uint64_t size = 4 + 4 + compact_size_length(tx_.inputs.size()) + 41 * tx_.inputs.size();
  size += compact_size_length(tx_.outputs.size());
  for (const bitcoin::TxOutput& output : tx_.outputs)
    size += 8 + compact_size_length(output.script.size()) + output.script.size();
  return 4 * size;
}

bool Psbt::takes_outputs() const {
  constexpr std::uint8_t outputs = 1u << 1;
  const util::Bytes* flags = global_.get({psbt_key::global_modifiable});
  return flags == nullptr || flags->size() != 1 || (flags->front() & outputs) != 0;
}

bool Psbt::spends(const std::vector<bitcoin::Outpoint>& outpoints) const {
  return std::equal(tx_.inputs.begin(), tx_.inputs.end(), outpoints.begin(), outpoints.end(),
                    [](const bitcoin::TxInput& input, const auto& outpoint) { return input.outpoint == outpoint; });
}

std::uint64_t compact_size_length(std::uint64_t n) {
  if (n < 0xFD) return 1;
  if (n <= 0xFFFF) return 3;
  return n <= 0xFFFFFFFF ? 5 : 9;
}

}  // namespace psbt
