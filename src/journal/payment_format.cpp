#include "journal/payment_format.hpp"

#include <set>
#include <utility>

#include "bitcoin/address.hpp"
#include "params/params.hpp"
#include "util/str.hpp"

namespace journal {

using bitcoin::Sat;
using ledger::PaymentRecord;
using util::Error;
using util::Result;
using util::str;

namespace {

Error no_payment(const std::string& what) { return Error{-1, what, {}}; }

Result<PaymentRecord> read_payment(const json::Value& value) {
  const auto text = value.string("address");
  const auto sat = value.u64("sat");
  const auto outnum = value.u64("outnum");
  if (!text) return text.error();
  if (!sat) return sat.error();
  if (!outnum) return outnum.error();
  auto address = bitcoin::parse_address(*text);
  if (!address) return no_payment(str(value.path(), ".address: ", address.error().message));
  if (*outnum > UINT16_MAX) return no_payment(str(value.path(), ".outnum: too large"));
  PaymentRecord payment{std::string(*text), std::move(address->script), Sat{*sat}};
  payment.outnum = static_cast<std::uint32_t>(*outnum);
  if (!value.find("label")) return payment;
  const auto label = value.string("label");
  if (!label) return label.error();
  payment.label = std::string(*label);
  return payment;
}

}  // namespace

void write_payments(json::Writer& out, const std::vector<PaymentRecord>& payments) {
  if (payments.empty()) return;
  out.key("outputs").array();
  for (const auto& payment : payments) {
    out.object().field("address", payment.address).field("sat", payment.amount.value);
    out.field("outnum", payment.outnum.value_or(0));
    if (!payment.label.empty()) out.field("label", payment.label);
    out.end();
  }
  out.end();
}

Result<std::vector<PaymentRecord>> read_payments(const json::Value& root) {
  std::vector<PaymentRecord> payments;
  const auto list = root.find("outputs");
  if (!list) return payments;
  for (const auto& value : list->elements()) {
    auto payment = read_payment(value);
    if (!payment) return payment.error();
    payments.push_back(std::move(*payment));
  }
  return payments;
}

Result<void> find_payments(const std::vector<PaymentRecord>& payments, const psbt::Psbt& psbt,
                           std::vector<bool>& paid) {
  const auto& outputs = psbt.outputs();
  std::set<util::Bytes> scripts;
  for (const auto& payment : payments) {
    const auto at = payment.outnum.value_or(UINT32_MAX);
    if (!scripts.insert(payment.script).second) return no_payment(str("outputs: pays twice to ", payment.address));
    if (!payment.label.empty() && !params::is_short_text(payment.label)) return no_payment("outputs: no label of ours");
    if (at >= outputs.size()) return no_payment("outputs: the psbt has no such output");
    if (paid[at]) return no_payment("outputs: one output is for two");
    if (outputs[at].script != payment.script)
      return no_payment(str("outputs: the psbt does not pay to ", payment.address));
    if (outputs[at].amount != payment.amount)
      return no_payment(str("outputs: pays another amount to ", payment.address));
    paid[at] = true;
  }
  return {};
}

}  // namespace journal
