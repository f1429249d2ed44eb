#pragma once

#include <vector>

#include "json/value.hpp"
#include "json/writer.hpp"
#include "ledger/payment_record.hpp"
#include "psbt/psbt.hpp"
#include "util/result.hpp"

namespace journal {

// The part of a record that holds the payments of its transaction.

/// Into an open object; nothing when there are none, as in every record before there were any.
void write_payments(json::Writer& out, const std::vector<ledger::PaymentRecord>& payments);

/// None when the record has none. Errors (-1): not what we write.
[[nodiscard]] util::Result<std::vector<ledger::PaymentRecord>> read_payments(const json::Value& root);

/// Whether the transaction has the output that each payment names, with its script and its amount, and no two payments
/// name the same. Marks those outputs in `paid`, in which those of channels are marked already. Errors (-1) say what
/// not.
[[nodiscard]] util::Result<void> find_payments(const std::vector<ledger::PaymentRecord>& payments,
                                               const psbt::Psbt& psbt, std::vector<bool>& paid);

}  // namespace journal
