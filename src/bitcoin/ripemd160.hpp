#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace bitcoin {

/// RIPEMD-160 of SHA256: what a script names a public key by (P2PKH, P2WPKH).
[[nodiscard]] std::array<std::uint8_t, 20> hash160(std::span<const std::uint8_t> data);

/// RIPEMD-160 (Dobbertin, Bosselaers, Preneel, 1996), which libsodium does not have.
[[nodiscard]] std::array<std::uint8_t, 20> ripemd160(std::span<const std::uint8_t> data);

}  // namespace bitcoin
