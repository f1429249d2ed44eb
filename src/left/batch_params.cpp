#include "left/batch_params.hpp"

#include <array>
#include <string_view>

#include "journal/journal.hpp"
#include "params/params.hpp"
#include "request/users_psbt.hpp"
#include "util/bytes.hpp"
#include "util/str.hpp"

namespace left {

using params::Params;
using util::Result;
using util::str;

namespace {

constexpr std::array<std::string_view, 2> names{"batch", "confirm"};
constexpr std::array<std::string_view, 2> finish_names{"batch", "psbt"};
constexpr std::array<std::string_view, 3> abort_names{"batch", "feerate", "confirm"};

Result<std::string> parse_batch(const json::Value& value) {
  const auto text = value.string();
  if (text && journal::is_batch_id(*text)) return std::string(*text);
  return params::wrong(value, "must be the id of a batch (32 hex digits)");
}

/// A PSBT, or a transaction as it goes to the network.
Result<psbt::Psbt> parse_signed(const json::Value& value) {
  const auto text = value.string();
  if (!text) return params::wrong(value, "must be a signed PSBT in base64 or hex, or a signed transaction in hex");
  const auto bytes = util::from_hex(*text);
  const auto transaction = bytes ? bitcoin::SignedTransaction::parse(*bytes) : std::nullopt;
  if (transaction) return psbt::Psbt::of(*transaction);
  auto psbt = request::read_psbt(*text);
  if (!psbt) return params::wrong(value, str("neither a PSBT nor a signed transaction: ", psbt.error().message));
  return psbt;
}

/// Nothing but a bare true: what it confirms cannot be taken back.
Result<bool> parse_confirm(const json::Value& value) { return value.boolean(); }

}  // namespace

Result<std::optional<std::string>> parse_list(const json::Value& given) {
  Params params(given.renamed(""), std::span(names).first(1));
  auto batch = params.optional("batch", parse_batch);
  if (params.error()) return *params.error();
  return batch;
}

Result<FinishRequest> parse_finish(const json::Value& given) {
  Params params(given.renamed(""), finish_names);
  FinishRequest request;
  request.batch = params.required("batch", parse_batch);
  request.psbt = params.optional("psbt", parse_signed);
  if (params.error()) return *params.error();
  return request;
}

Result<AbortRequest> parse_abort(const json::Value& given) {
  Params params(given.renamed(""), abort_names);
  AbortRequest request;
  request.batch = params.required("batch", parse_batch);
  request.feerate = params.optional("feerate", params::parse_token).value_or("");
  request.confirm = params.optional("confirm", parse_confirm).value_or(false);
  if (params.error()) return *params.error();
  return request;
}

Result<ForgetRequest> parse_forget(const json::Value& given) {
  Params params(given.renamed(""), names);
  ForgetRequest request;
  request.batch = params.required("batch", parse_batch);
  request.confirm = params.optional("confirm", parse_confirm).value_or(false);
  if (params.error()) return *params.error();
  return request;
}

}  // namespace left
