#pragma once

#include <optional>
#include <string>

#include "json/value.hpp"
#include "psbt/psbt.hpp"
#include "util/result.hpp"

namespace left {

/// The parameters of listmultifundchannels: one batch's id, or nothing for all. Errors: -32602.
[[nodiscard]] util::Result<std::optional<std::string>> parse_list(const json::Value& params);

/// The parameters of multifundchannel-forget.
struct ForgetRequest {
  std::string batch;
  bool confirm = false;
};
/// Errors: -32602.
[[nodiscard]] util::Result<ForgetRequest> parse_forget(const json::Value& params);

/// The parameters of multifundchannel-finish.
struct FinishRequest {
  std::string batch;
  std::optional<psbt::Psbt> psbt;  ///< signed; also of a signed transaction
};
/// Errors: -32602.
[[nodiscard]] util::Result<FinishRequest> parse_finish(const json::Value& params);

/// The parameters of multifundchannel-abort.
struct AbortRequest {
  std::string batch;
  std::string feerate;  ///< as it was written; empty: not given
  bool confirm = false;
};
/// Errors: -32602.
[[nodiscard]] util::Result<AbortRequest> parse_abort(const json::Value& params);

}  // namespace left
