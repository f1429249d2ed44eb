#pragma once

#include <cstdint>
#include <string>

#include "sim/random.hpp"
#include "sim/setup.hpp"
#include "util/bytes.hpp"

namespace sim {

/// A scriptPubKey with a random hash or key in it.
[[nodiscard]] util::Bytes make_script(Random& random, ScriptKind kind);
/// OP_0 <32 random bytes>, as a funding output has.
[[nodiscard]] util::Bytes make_funding_script(Random& random);

[[nodiscard]] bool is_p2tr(const util::Bytes& script);
[[nodiscard]] bool is_p2sh(const util::Bytes& script);

/// The regtest address (BIP 173, BIP 350) of a segwit script; empty for other scripts.
[[nodiscard]] std::string segwit_address(const util::Bytes& script);

}  // namespace sim
