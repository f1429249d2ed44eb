#pragma once

#include <string>
#include <string_view>

#include "psbt/psbt.hpp"
#include "util/bytes.hpp"

namespace psbt::test {

/// Made with libwally 1.5.3, which is what lightningd uses: version 2, one input, two outputs.
inline constexpr std::string_view libwally_v2 =
    "70736274ff010204020000000103046400000001040101010501020106010301fb040200000000010e200909090909090909"
    "090909090909090909090909090909090909090909090909010f0401000000011004fdffffff0001030850c3000000000000"
    "0104225120aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa00010308905f01000000000001"
    "04220020333333333333333333333333333333333333333333333333333333333333333300";
inline constexpr std::string_view libwally_v2_txid = "71136606f6fc1b223e7da5a8e8b737f88c37402736a6e8be246f222f105dbc7a";

inline util::Bytes unhex(std::string_view hex) { return util::from_hex(hex).value(); }

inline Psbt sample() { return *Psbt::parse(unhex(libwally_v2)); }

/// The error of parsing, empty when it parses.
inline std::string parse_error(std::string_view hex) {
  const auto psbt = Psbt::parse(unhex(hex));
  return psbt ? "" : psbt.error().message;
}

/// An output whose script is that of a P2WSH with `fill` in every byte.
inline bitcoin::TxOutput p2wsh(std::uint64_t sat, std::uint8_t fill) {
  util::Bytes script(34, fill);
  script[0] = 0x00;
  script[1] = 0x20;
  return {bitcoin::Sat{sat}, script};
}

}  // namespace psbt::test
