#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "util/bytes.hpp"
#include "util/result.hpp"

namespace bitcoin {

/// How the witness programs of a script are written on this network, named as lightningd does (BIP 173 and 350).
/// Nothing for another script and for a network that we do not know.
[[nodiscard]] std::optional<std::string> segwit_address(const util::Bytes& script, std::string_view network);

/// Likewise, and P2PKH and P2SH in base58.
[[nodiscard]] std::optional<std::string> address_of(const util::Bytes& script, std::string_view network);

/// What an address pays to.
struct Address {
  util::Bytes script;
  std::string_view prefix;  ///< of a witness program: "bc", "tb" or "bcrt"; empty for base58
  bool is_main = false;     ///< base58 tells mainnet from all the others, and no more

  /// Whether it can be one of this network, named as lightningd does.
  [[nodiscard]] bool is_of(std::string_view network) const;
};

/// P2PKH and P2SH in base58, witness version 0 in bech32 and version 1 (taproot) in bech32m. Errors (-1) say what is
/// wrong with it: a character, the length, the checksum, or a witness version that nobody can spend yet.
[[nodiscard]] util::Result<Address> parse_address(std::string_view text);

/// Segwit outputs, whatever their version.
[[nodiscard]] bool is_witness_program(const util::Bytes& script);

/// Version 0 with 20 bytes or 32, version 1 with 32: nothing of it goes into a scriptSig, so that signing does not
/// change the txid.
[[nodiscard]] bool is_native_segwit(const util::Bytes& script);

}  // namespace bitcoin
