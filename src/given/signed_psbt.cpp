#include "given/signed_psbt.hpp"

#include "bitcoin/fees.hpp"
#include "given/witness_form.hpp"
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

util::Result<void> check_witnesses(const psbt::Psbt& signed_psbt,
                                   const std::vector<std::optional<bitcoin::TxOutput>>& spent) {
  for (std::size_t i = 0; i < spent.size(); ++i) {
    const auto formed = spent[i] ? check_witness(signed_psbt, i, spent[i]->script) : util::Result<void>();
    if (!formed) return wrong(str("input ", i, ": ", formed.error().message));
  }
  const auto weight = given::signed_weight(signed_psbt);
  if (!weight || *weight <= bitcoin::max_standard_weight) return {};
  return wrong(str("weighs ", *weight, ", and bitcoind relays no transaction above ", bitcoin::max_standard_weight));
}

}  // namespace given
