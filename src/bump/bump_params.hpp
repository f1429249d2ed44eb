#pragma once

#include <optional>
#include <string>

#include "bitcoin/amounts.hpp"
#include "json/value.hpp"
#include "util/result.hpp"

namespace bump {

/// The parameters of multifundchannel-bump.
struct BumpRequest {
  std::string batch;    ///< a batch's id, the label of its caller, or the id of its transaction
  std::string feerate;  ///< as it was written
  bool dryrun = false;
  std::optional<bitcoin::Sat> max_fee;  ///< of the child alone
};
/// Errors: -32602.
[[nodiscard]] util::Result<BumpRequest> parse_bump(const json::Value& params);

}  // namespace bump
