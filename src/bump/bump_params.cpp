#include "bump/bump_params.hpp"

#include <array>
#include <string_view>

#include "params/amount.hpp"
#include "params/params.hpp"

namespace bump {

using params::parse_bool;
using util::Result;

namespace {

constexpr std::array<std::string_view, 4> names{"batch", "feerate", "dryrun", "max_fee"};

}  // namespace

Result<BumpRequest> parse_bump(const json::Value& given) {
  params::Params params(given.renamed(""), names);
  BumpRequest request;
  request.batch = params.required("batch", params::parse_short_text);
  request.feerate = params.required("feerate", params::parse_token);
  request.dryrun = params.optional("dryrun", parse_bool).value_or(false);
  request.max_fee = params.optional("max_fee", params::parse_sat);
  if (params.error()) return *params.error();
  return request;
}

}  // namespace bump
