#include "psbt/psbt_writer.hpp"

#include <algorithm>

#include "bitcoin/byte_writer.hpp"
#include "psbt/psbt_keys.hpp"

namespace psbt {

namespace {

util::Bytes u32_value(std::uint32_t number) { return bitcoin::ByteWriter().u32(number).take(); }

util::Bytes count_value(std::uint64_t number) { return bitcoin::ByteWriter().compact_size(number).take(); }

}  // namespace

util::Bytes Psbt::Writer::write() {
  out_.bytes(util::Bytes{'p', 's', 'b', 't', 0xFF});
  write_map(psbt_key::global_map, global_fields(), psbt_.global_);
  for (std::size_t i = 0; i < psbt_.input_maps_.size(); ++i)
    write_map(psbt_key::input_map, fields_of(psbt_.tx_.inputs[i]), psbt_.input_maps_[i]);
  for (std::size_t i = 0; i < psbt_.output_maps_.size(); ++i)
    write_map(psbt_key::output_map, fields_of(psbt_.tx_.outputs[i]), psbt_.output_maps_[i]);
  return out_.take();
}

PsbtMap Psbt::Writer::global_fields() const {
  if (version_ == 0) return {{{{psbt_key::global_unsigned_tx}, psbt_.tx_.serialise()}}};
  return {{
      {{psbt_key::global_tx_version}, u32_value(psbt_.tx_.version)},
      {{psbt_key::global_fallback_locktime}, u32_value(psbt_.fallback_locktime_)},
      {{psbt_key::global_input_count}, count_value(psbt_.tx_.inputs.size())},
      {{psbt_key::global_output_count}, count_value(psbt_.tx_.outputs.size())},
      {{psbt_key::global_version}, u32_value(2)},
  }};
}

PsbtMap Psbt::Writer::fields_of(const bitcoin::TxInput& input) const {
  if (version_ == 0) return {};
  return {{
      {{psbt_key::in_previous_txid}, bitcoin::serialise(input.outpoint.txid)},
      {{psbt_key::in_output_index}, u32_value(input.outpoint.vout)},
      {{psbt_key::in_sequence}, u32_value(input.sequence)},
  }};
}

PsbtMap Psbt::Writer::fields_of(const bitcoin::TxOutput& output) const {
  if (version_ == 0) return {};
  return {{
      {{psbt_key::out_amount}, bitcoin::ByteWriter().u64(output.amount.value).take()},
      {{psbt_key::out_script}, output.script},
  }};
}

/// Every field goes before the first kept entry of a higher type: maps that came sorted, as all
/// known software writes them, stay sorted, and others keep their order.
void Psbt::Writer::write_map(const psbt_key::Kind& kind, const PsbtMap& fields, const PsbtMap& kept) {
  auto field = fields.entries.begin();
  for (const auto& [key, value] : kept.entries) {
    const psbt_key::Rule* rule = kind.find(key);
    if (rule != nullptr && !rule->allowed_in(version_)) continue;
    for (; field != fields.entries.end() && field->first < key; ++field)
      out_.sized_bytes(field->first).sized_bytes(field->second);
    out_.sized_bytes(key).sized_bytes(value);
  }
  for (; field != fields.entries.end(); ++field) out_.sized_bytes(field->first).sized_bytes(field->second);
  out_.u8(0);
}

}  // namespace psbt
