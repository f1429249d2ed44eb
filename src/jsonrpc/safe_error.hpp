#pragma once

#include "util/result.hpp"

namespace jsonrpc {

/// An error of lightningd as it may be kept, logged and passed on. lightningd repeats in some errors what it was
/// given ("PSBT not finalizeable <psbt>", "invalid token '<psbt>'", "Unsent tx discarded <tx>"): who has a signed
/// PSBT can send it. In others it repeats what a peer wrote. Message and data are cleaned as util::safe_text does;
/// data of more than 8,000 bytes is not kept.
[[nodiscard]] util::Error safe_error(util::Error error);

}  // namespace jsonrpc
