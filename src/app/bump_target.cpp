#include "app/bump_target.hpp"

#include <optional>
#include <vector>

#include "json/value.hpp"
#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "report/batch_report.hpp"
#include "util/str.hpp"

namespace app {

using bitcoin::Txid;
using report::BatchReport;
using report::BatchState;
using util::Error;
using util::Result;
using util::str;
using Target = bump::Bumping::Target;

namespace {

Error wrong(const std::string& what) { return Error{lightningd::code::invalid_params, str("batch: ", what), {}}; }

/// Of the answer to its call.
std::optional<Txid> txid_in(const std::string& result) {
  const auto document = json::Document::parse(result, "result");
  const auto hex = document ? document->root().string("txid") : Result<std::string_view>(document.error());
  return hex ? Txid::from_hex(*hex) : std::nullopt;
}

/// Of those that had a label the one that has opened, or else the latest: a call that failed may be repeated with it.
const BatchReport* find(const std::vector<BatchReport>& reports, const std::string& text) {
  const auto txid = Txid::from_hex(text);
  const BatchReport* labelled = nullptr;
  for (const auto& report : reports) {
    if (report.id == text || (txid && report.txid == txid)) return &report;
    if (text.empty() || report.label != text) continue;
    if (labelled == nullptr || labelled->state != BatchState::opened) labelled = &report;
  }
  return labelled;
}

/// Then the answer that is kept of it is about a transaction that waits, or was given up.
bool is_unsent(const left::LeftBatches& left, const std::string& batch) {
  const auto* const settlement = left.settling(batch);
  return settlement != nullptr && settlement->ledger()->phase != ledger::BatchPhase::sending;
}

/// Of a batch that is not settled the record tells: what is shown of it, and the answer to its call, may be older. That
/// its transaction was recorded by the wallet, and so was sent, is looked at later. Nothing: the record does not tell.
std::optional<Result<Target>> of_settlement(const recovery::Settlement* settlement) {
  if (settlement == nullptr) return std::nullopt;
  const auto& ledger = *settlement->ledger();
  if (ledger.abort) {
    return wrong(str(ledger.id, " is aborting: its transaction is being made impossible, see listmultifundchannels"));
  }
  const bool may_be_sent = ledger.phase == ledger::BatchPhase::sending && ledger.sending && ledger.plan;
  return may_be_sent ? std::optional<Result<Target>>(Target{ledger.id, ledger.plan->txid}) : std::nullopt;
}

}  // namespace

Result<Target> bump_target(const std::string& text, const left::LeftBatches& left, const labels::Labels& labels) {
  const auto reports = left.reports({});
  const auto* const report = find(reports, text);
  const auto* holder = labels.holder(text);
  if (holder == nullptr) holder = labels.of_batch(text);
  for (const auto& id :
       {holder != nullptr ? holder->batch : std::string(), report != nullptr ? report->id : std::string()}) {
    if (auto found = of_settlement(left.settling(id))) return std::move(*found);
  }
  const bool opened = holder != nullptr && holder->result && !is_unsent(left, holder->batch);
  const auto txid = opened ? txid_in(*holder->result) : std::nullopt;
  if (txid) return Target{holder->batch, *txid};
  if (report != nullptr) {
    if (report->state == BatchState::opened && report->txid) return Target{report->id, *report->txid};
    return wrong(str(report->id, " is ", name_of(report->state),
                     ": only a transaction that was sent can be paid for, see listmultifundchannels"));
  }
  if (holder != nullptr && !holder->result) return wrong(str(holder->batch, " is not opened yet"));
  if (const auto given = Txid::from_hex(text)) return Target{{}, *given};
  return wrong(str("no batch has this id or label: after a restart, give the id of its transaction, got ",
                   json::Writer().value(text).take()));
}

std::optional<Error> why_not_bumped(const std::string& batch, const left::LeftBatches& left) {
  const auto found = of_settlement(left.settling(batch));
  return found && !*found ? std::optional(found->error()) : std::nullopt;
}

}  // namespace app
