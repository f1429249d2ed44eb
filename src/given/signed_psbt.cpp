#include "given/signed_psbt.hpp"

#include "lightningd/codes.hpp"
#include "psbt/final_transaction.hpp"
#include "util/str.hpp"

namespace given {

using util::str;

namespace {

util::Error wrong(const std::string& what) { return {lightningd::code::invalid_params, str("psbt: ", what), {}}; }

}  // namespace

util::Result<void> check_signed_psbt(const ledger::FundingPlan& plan, const std::optional<psbt::Psbt>& signed_psbt) {
  if (!signed_psbt && !plan.is_users) return {};
  if (!plan.is_users) return wrong("is not wanted: this node's wallet signs the batch itself");
  if (!signed_psbt) return wrong("is missing: the signed PSBT, or the signed transaction in hex");
  if (signed_psbt->txid() != plan.txid) {
    return wrong(str("is transaction ", signed_psbt->txid().hex(), ", and the batch waits for ", plan.txid.hex()));
  }
  if (const auto whole = psbt::check_signed(*signed_psbt); !whole) return wrong(whole.error().message);
  return {};
}

}  // namespace given
