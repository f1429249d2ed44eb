#include "psbt/psbt_reader.hpp"

#include <optional>
#include <set>
#include <utility>

#include "bitcoin/byte_reader.hpp"
#include "psbt/psbt_keys.hpp"
#include "psbt/psbt_locktime.hpp"
#include "util/str.hpp"

namespace psbt {

namespace {

const util::Bytes magic{'p', 's', 'b', 't', 0xFF};

// As JSON-RPC has it: whoever gave us the PSBT is told so.

template <class... Parts>
util::Error bad(const Parts&... parts) {
  return {.code = util::code::invalid_params, .message = util::str("PSBT: ", parts...)};
}

/// Takes a field of the transaction out of a map.
std::optional<util::Bytes> take(PsbtMap& map, std::uint8_t type) {
  const util::Bytes key{type};
  const util::Bytes* found = map.get(key);
  if (found == nullptr) return std::nullopt;
  util::Bytes value = *found;
  map.remove(key);
  return value;
}

std::optional<std::uint32_t> take_u32(PsbtMap& map, std::uint8_t type) {
  const auto value = take(map, type);
  if (!value) return std::nullopt;
  return bitcoin::ByteReader(*value).u32();  // the key's rule has fixed its size
}

std::optional<std::uint64_t> take_count(PsbtMap& map, std::uint8_t type) {
  const auto value = take(map, type);
  if (!value) return std::nullopt;
  bitcoin::ByteReader in(*value);
  const std::uint64_t count = in.compact_size();
  if (!in.finished()) return std::nullopt;
  return count;
}

}  // namespace

util::Result<Psbt> Psbt::Reader::read() {
  if (in_.bytes(magic.size()) != magic) return bad("does not begin with the bytes psbt\\xff");
  if (auto done = read_global(); !done) return done.error();
  for (std::uint64_t i = 0; i < input_count_; ++i)
    if (auto done = read_input(i); !done) return done.error();
  for (std::uint64_t i = 0; i < output_count_; ++i)
    if (auto done = read_output(i); !done) return done.error();
  if (in_.left() != 0) return bad(in_.left(), " bytes after the last map");
  const auto locktime = determine_locktime(psbt_.input_maps_, psbt_.fallback_locktime_);
  if (!locktime) return bad(locktime.error().message);
  psbt_.tx_.locktime = *locktime;
  return std::move(psbt_);
}

util::Result<PsbtMap> Psbt::Reader::read_map(const psbt_key::Kind& kind, const std::string& name) {
  PsbtMap map;
  std::set<util::Bytes> seen;
  while (true) {
    util::Bytes key = in_.sized_bytes();
    if (in_.failed()) return bad(name, ": truncated or malformed at byte ", in_.position());
    if (key.empty()) return map;
    util::Bytes value = in_.sized_bytes();
    if (in_.failed()) return bad(name, ": truncated or malformed at byte ", in_.position());

    if (const psbt_key::Rule* rule = kind.find(key)) {
      if (!rule->allows_data_of(key.size() - 1)) return bad(name, ": malformed key of ", rule->name);
      if (rule->value_size != 0 && value.size() != rule->value_size)
        return bad(name, ": ", rule->name, " has ", value.size(), " bytes, not ", rule->value_size);
    }
    if (!seen.insert(key).second) return bad(name, ": duplicate key ", util::to_hex(key));
    map.entries.emplace_back(std::move(key), std::move(value));
  }
}

util::Result<void> Psbt::Reader::check_versions(const psbt_key::Kind& kind, const std::string& name,
                                                const PsbtMap& map) const {
  for (const auto& [key, value] : map.entries) {
    const psbt_key::Rule* rule = kind.find(key);
    if (rule != nullptr && !rule->allowed_in(psbt_.version_))
      return bad(name, ": ", rule->name, " does not belong in version ", psbt_.version_);
  }
  return {};
}

util::Result<void> Psbt::Reader::read_global() {
  auto map = read_map(psbt_key::global_map, "global map");
  if (!map) return map.error();
  psbt_.global_ = std::move(*map);

  psbt_.version_ = take_u32(psbt_.global_, psbt_key::global_version).value_or(0);
  if (psbt_.version_ != 0 && psbt_.version_ != 2) return bad("unknown version ", psbt_.version_);
  if (auto done = check_versions(psbt_key::global_map, "global map", psbt_.global_); !done) return done;
  if (auto done = psbt_.version_ == 0 ? read_unsigned_tx() : read_header_v2(); !done) return done;

  // Every map takes at least its separator: a count beyond that need not be counted to.
  if (input_count_ > in_.left() || output_count_ > in_.left() - input_count_)
    return bad(input_count_, " inputs and ", output_count_, " outputs in ", in_.left(), " bytes");
  return {};
}

util::Result<void> Psbt::Reader::read_unsigned_tx() {
  const auto bytes = take(psbt_.global_, psbt_key::global_unsigned_tx);
  if (!bytes) return bad("no unsigned transaction");
  auto tx = bitcoin::Transaction::parse(*bytes);
  if (!tx) return bad("unsigned transaction: ", tx.error().message);

  psbt_.tx_ = std::move(*tx);
  psbt_.fallback_locktime_ = psbt_.tx_.locktime;
  input_count_ = psbt_.tx_.inputs.size();
  output_count_ = psbt_.tx_.outputs.size();
  return {};
}

util::Result<void> Psbt::Reader::read_header_v2() {
  const auto tx_version = take_u32(psbt_.global_, psbt_key::global_tx_version);
  if (!tx_version) return bad("no PSBT_GLOBAL_TX_VERSION");
  const auto inputs = take_count(psbt_.global_, psbt_key::global_input_count);
  if (!inputs) return bad("no well-formed PSBT_GLOBAL_INPUT_COUNT");
  const auto outputs = take_count(psbt_.global_, psbt_key::global_output_count);
  if (!outputs) return bad("no well-formed PSBT_GLOBAL_OUTPUT_COUNT");

  psbt_.tx_.version = *tx_version;
  psbt_.fallback_locktime_ = take_u32(psbt_.global_, psbt_key::global_fallback_locktime).value_or(0);
  input_count_ = *inputs;
  output_count_ = *outputs;
  return {};
}

util::Result<void> Psbt::Reader::read_input(std::uint64_t index) {
  const std::string name = util::str("input ", index);
  auto map = read_map(psbt_key::input_map, name);
  if (!map) return map.error();
  if (auto done = check_versions(psbt_key::input_map, name, *map); !done) return done;

  if (psbt_.version_ == 2) {
    const auto txid = take(*map, psbt_key::in_previous_txid);
    if (!txid) return bad(name, ": no PSBT_IN_PREVIOUS_TXID");
    const auto vout = take_u32(*map, psbt_key::in_output_index);
    if (!vout) return bad(name, ": no PSBT_IN_OUTPUT_INDEX");
    bitcoin::TxInput input{.outpoint = {.txid = bitcoin::parse_txid(*txid).value_or(bitcoin::Txid{}), .vout = *vout}};
    if (const auto sequence = take_u32(*map, psbt_key::in_sequence)) input.sequence = *sequence;
    psbt_.tx_.inputs.push_back(input);
  }
  psbt_.input_maps_.push_back(std::move(*map));
  return {};
}

util::Result<void> Psbt::Reader::read_output(std::uint64_t index) {
  const std::string name = util::str("output ", index);
  auto map = read_map(psbt_key::output_map, name);
  if (!map) return map.error();
  if (auto done = check_versions(psbt_key::output_map, name, *map); !done) return done;

  if (psbt_.version_ == 2) {
    const auto amount = take(*map, psbt_key::out_amount);
    if (!amount) return bad(name, ": no PSBT_OUT_AMOUNT");
    auto script = take(*map, psbt_key::out_script);
    if (!script) return bad(name, ": no PSBT_OUT_SCRIPT");
    const bitcoin::Sat sat{bitcoin::ByteReader(*amount).u64()};
    if (sat > bitcoin::max_money) return bad(name, ": ", sat.value, " sat, over 21 million btc");
    psbt_.tx_.outputs.push_back({sat, std::move(*script)});
  }
  psbt_.output_maps_.push_back(std::move(*map));
  return {};
}

}  // namespace psbt
