#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "util/bytes.hpp"

namespace psbt::psbt_key {

// Types that the codec reads or writes itself; BIP 174 and BIP 370 name them.
inline constexpr std::uint8_t global_unsigned_tx = 0x00;
inline constexpr std::uint8_t global_tx_version = 0x02;
inline constexpr std::uint8_t global_fallback_locktime = 0x03;
inline constexpr std::uint8_t global_input_count = 0x04;
inline constexpr std::uint8_t global_output_count = 0x05;
inline constexpr std::uint8_t global_modifiable = 0x06;
inline constexpr std::uint8_t global_version = 0xFB;
inline constexpr std::uint8_t in_non_witness_utxo = 0x00;
inline constexpr std::uint8_t in_witness_utxo = 0x01;
inline constexpr std::uint8_t in_partial_signature = 0x02;
inline constexpr std::uint8_t in_sighash_type = 0x03;
inline constexpr std::uint8_t in_witness_script = 0x05;
inline constexpr std::uint8_t in_bip32_derivation = 0x06;
inline constexpr std::uint8_t in_final_script_sig = 0x07;
inline constexpr std::uint8_t in_final_witness = 0x08;
inline constexpr std::uint8_t in_previous_txid = 0x0E;
inline constexpr std::uint8_t in_output_index = 0x0F;
inline constexpr std::uint8_t in_sequence = 0x10;
inline constexpr std::uint8_t in_required_time_locktime = 0x11;
inline constexpr std::uint8_t in_required_height_locktime = 0x12;
inline constexpr std::uint8_t in_tap_key_signature = 0x13;
inline constexpr std::uint8_t in_tap_script_signature = 0x14;
inline constexpr std::uint8_t out_amount = 0x03;
inline constexpr std::uint8_t out_script = 0x04;

enum class Data { none, public_key, extended_public_key };
enum class Versions { both, only_v0, only_v2 };

/// What a key of a known type must look like.
struct Rule {
  std::uint8_t type;
  std::string_view name;
  Data data = Data::none;
  Versions versions = Versions::both;
  std::size_t value_size = 0;  ///< 0 = any

  [[nodiscard]] bool allows_data_of(std::size_t size) const;
  [[nodiscard]] bool allowed_in(std::uint32_t psbt_version) const;
};

/// One of the three kinds of map: its name and the types it knows.
struct Kind {
  std::string_view name;
  std::span<const Rule> rules;

  /// The rule for a key; nothing for types we do not know, which are kept as they are.
  [[nodiscard]] const Rule* find(const util::Bytes& key) const;
};

extern const Kind global_map;
extern const Kind input_map;
extern const Kind output_map;

}  // namespace psbt::psbt_key
