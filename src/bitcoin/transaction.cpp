#include "bitcoin/transaction.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "bitcoin/byte_reader.hpp"
#include "bitcoin/byte_writer.hpp"
#include "bitcoin/script_ops.hpp"
#include "util/str.hpp"

namespace bitcoin {

namespace {

/// Inputs and outputs as they stand in a transaction.
struct Body {
  std::vector<TxInput> inputs;
  std::vector<TxOutput> outputs;
  bool has_script_sig = false;
  util::Bytes first_script_sig;
};

TxInput read_input(ByteReader& in, Body& body) {
  TxInput input;
  if (const auto txid = parse_txid(in.bytes(32))) input.outpoint.txid = *txid;
  input.outpoint.vout = in.u32();
  auto script_sig = in.sized_bytes();
  if (!script_sig.empty()) body.has_script_sig = true;
  if (body.inputs.empty()) body.first_script_sig = std::move(script_sig);
  input.sequence = in.u32();
  return input;
}

TxOutput read_output(ByteReader& in) {
  const Sat amount{in.u64()};
  return {amount, in.sized_bytes()};
}

// Nothing is reserved for the counts: they are claims, and only bytes that are there become items.
Body read_body(ByteReader& in) {
  Body body;
  const std::uint64_t input_count = in.compact_size();
  for (std::uint64_t i = 0; i < input_count && !in.failed(); ++i) body.inputs.push_back(read_input(in, body));
  const std::uint64_t output_count = in.compact_size();
  for (std::uint64_t i = 0; i < output_count && !in.failed(); ++i) body.outputs.push_back(read_output(in));
  return body;
}

/// An output of more than there can be; nullptr when there is none.
const TxOutput* impossible_output(const Body& body) {
  const auto found = std::find_if(body.outputs.begin(), body.outputs.end(),
                                  [](const TxOutput& output) { return output.amount > max_money; });
  return found == body.outputs.end() ? nullptr : &*found;
}

void skip_witnesses(ByteReader& in, std::size_t input_count) {
  for (std::size_t i = 0; i < input_count && !in.failed(); ++i) {
    const std::uint64_t items = in.compact_size();
    for (std::uint64_t item = 0; item < items && !in.failed(); ++item) in.skip(in.compact_size());
  }
}

/// BIP 144: marker 00 and flag 01 stand where the input count would be. A transaction that was made to be mined has
/// inputs, so 00 can mean nothing else here.
bool has_witnesses(const util::Bytes& bytes) { return bytes.size() > 6 && bytes[4] == 0x00 && bytes[5] == 0x01; }

/// BIP 34: the first thing in the scriptSig of a coinbase is its height, as a script has numbers.
std::optional<std::uint32_t> height_of_block(const Body& body) {
  constexpr std::uint32_t no_output = 0xFFFFFFFF;
  const bool coinbase = body.inputs.size() == 1 && body.inputs[0].outpoint == Outpoint{Txid{}, no_output};
  const auto& script = body.first_script_sig;
  if (!coinbase || script.empty()) return std::nullopt;
  if (script[0] >= op::one && script[0] <= op::sixteen) return script[0] - op::one + 1u;
  if (script[0] > 4 || script.size() <= script[0]) return std::nullopt;
  std::uint32_t height = 0;
  for (std::size_t i = 0; i < script[0]; ++i) height |= std::uint32_t{script[i + 1]} << (8 * i);
  return height;
}

Txid hash(const util::Bytes& bytes) {
  auto digest = util::sha256d(bytes);
  std::reverse(digest.begin(), digest.end());
  return Txid::from_bytes(digest);
}

}  // namespace

util::Bytes serialise(const Txid& txid) { return {txid.bytes().rbegin(), txid.bytes().rend()}; }

std::optional<Txid> parse_txid(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, 32> shown{};
  if (bytes.size() != shown.size()) return std::nullopt;
  std::reverse_copy(bytes.begin(), bytes.end(), shown.begin());
  return Txid::from_bytes(shown);
}

util::Bytes Transaction::serialise() const {
  ByteWriter out;
  out.u32(version).compact_size(inputs.size());
  for (const TxInput& input : inputs) {
    out.bytes(bitcoin::serialise(input.outpoint.txid)).u32(input.outpoint.vout);
    out.compact_size(0).u32(input.sequence);
  }
  out.compact_size(outputs.size());
  for (const TxOutput& output : outputs) out.u64(output.amount.value).sized_bytes(output.script);
  return out.u32(locktime).take();
}

Txid Transaction::txid() const { return hash(serialise()); }

util::Result<Transaction> Transaction::parse(std::span<const std::uint8_t> bytes) {
  ByteReader in(bytes);
  Transaction tx;
  tx.version = in.u32();
  Body body = read_body(in);
  tx.locktime = in.u32();
  if (!in.finished()) return util::Error{.message = "not a transaction without witnesses"};
  if (body.has_script_sig) return util::Error{.message = "an input has a scriptSig"};
  if (const auto* const output = impossible_output(body)) {
    return util::Error{.message = util::str("output of ", output->amount.value, " sat, over 21 million btc")};
  }
  tx.inputs = std::move(body.inputs);
  tx.outputs = std::move(body.outputs);
  return tx;
}

std::uint64_t SignedTransaction::weight() const {
  std::uint64_t weight = 4 * transaction.serialise().size() + 2;  // marker and flag
  for (const auto& witness : witnesses) weight += witness.size();
  return weight;
}

std::optional<SignedTransaction> SignedTransaction::parse(const util::Bytes& bytes) {
  if (!has_witnesses(bytes)) return std::nullopt;
  ByteReader in(bytes);
  SignedTransaction tx;
  tx.transaction.version = in.u32();
  in.skip(2);
  Body body = read_body(in);
  for (std::size_t i = 0; i < body.inputs.size() && !in.failed(); ++i) {
    const std::size_t start = in.position();
    skip_witnesses(in, 1);
    tx.witnesses.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(start),
                              bytes.begin() + static_cast<std::ptrdiff_t>(in.position()));
  }
  tx.transaction.locktime = in.u32();
  if (!in.finished() || body.has_script_sig || impossible_output(body) != nullptr) return std::nullopt;
  tx.transaction.inputs = std::move(body.inputs);
  tx.transaction.outputs = std::move(body.outputs);
  return tx;
}

std::optional<PreviousTransaction> PreviousTransaction::parse(const util::Bytes& bytes) {
  const bool segwit = has_witnesses(bytes);
  ByteReader in(bytes);
  in.skip(segwit ? 6 : 4);
  const std::size_t body_start = in.position();
  Body body = read_body(in);
  const std::size_t body_end = in.position();
  if (segwit) skip_witnesses(in, body.inputs.size());
  in.skip(4);
  if (!in.finished() || impossible_output(body) != nullptr) return std::nullopt;

  // The txid covers version, inputs, outputs and locktime, not marker, flag and witnesses.
  const std::span<const std::uint8_t> all(bytes);
  ByteWriter hashed;
  hashed.bytes(all.first(4)).bytes(all.subspan(body_start, body_end - body_start)).bytes(all.last(4));
  const auto height = height_of_block(body);
  return PreviousTransaction{hash(hashed.take()), std::move(body.outputs), height};
}

}  // namespace bitcoin
