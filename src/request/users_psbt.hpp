#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "json/value.hpp"
#include "psbt/psbt.hpp"
#include "request/request.hpp"
#include "util/result.hpp"

namespace request {

/// A PSBT as people paste it: base64 or hex, of version 0 or 2; lines may be broken. Errors without a path.
[[nodiscard]] util::Result<psbt::Psbt> read_psbt(std::string_view text);

/// The PSBT that pays for a batch: unsigned, native segwit coins that it tells all about, and at most one output, the
/// change. Its signatures would not cover the channels, so it has none yet.
[[nodiscard]] util::Result<std::shared_ptr<const psbt::Psbt>> parse_users_psbt(const json::Value& value);

/// Gives its PSBT an output for the change, to this address. Errors without a path: it has one already, the shares
/// leave nothing for it, or the address is of another network or one of its payments'.
[[nodiscard]] util::Result<void> add_change(Request& request, const std::string& address, std::string_view network);

/// Whether its shares leave nothing for change.
[[nodiscard]] bool shares_take_all(const Request& request);

}  // namespace request
