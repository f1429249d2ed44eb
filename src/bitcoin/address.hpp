#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "util/bytes.hpp"

namespace bitcoin {

/// How the witness programs of a script are written on this network, named as lightningd does (BIP 173 and 350).
/// Nothing for another script and for a network that we do not know.
[[nodiscard]] std::optional<std::string> segwit_address(const util::Bytes& script, std::string_view network);

}  // namespace bitcoin
