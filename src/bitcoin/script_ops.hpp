#pragma once

#include <cstdint>

/// The operations of scripts that this program knows, as bitcoind numbers them (script/script.h).
namespace bitcoin::op {

inline constexpr std::uint8_t zero = 0x00;
inline constexpr std::uint8_t one = 0x51;  ///< the numbers up to sixteen follow
inline constexpr std::uint8_t sixteen = 0x60;
inline constexpr std::uint8_t dup = 0x76;
inline constexpr std::uint8_t equal = 0x87;
inline constexpr std::uint8_t equal_verify = 0x88;
inline constexpr std::uint8_t hash160 = 0xa9;
inline constexpr std::uint8_t check_signature = 0xac;
inline constexpr std::uint8_t check_signature_verify = 0xad;
inline constexpr std::uint8_t check_multisig = 0xae;
inline constexpr std::uint8_t check_sequence_verify = 0xb2;

}  // namespace bitcoin::op
