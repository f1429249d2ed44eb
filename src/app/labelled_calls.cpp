#include "app/labelled_calls.hpp"

#include <utility>

#include "json/writer.hpp"
#include "labels/settled_answer.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace app {

using request::Request;
using util::Error;
using util::Result;
using util::str;

namespace {

namespace code = lightningd::code;

std::string data_of(const labels::Holder& holder) {
  return json::Writer().object().field("batch", holder.batch).field("label", holder.label.text).end().take();
}

std::string quoted(const std::string& label) { return json::Writer().value(label).take(); }

Error other_call(const labels::Holder& holder) {
  return Error{code::invalid_params,
               str("label: batch ", holder.batch, " has it, which was called with other parameters, got ",
                   quoted(holder.label.text)),
               data_of(holder)};
}

Error only_previews(const labels::Holder& holder) {
  return Error{
      code::invalid_params,
      str("label: batch ", holder.batch, " has it: the call would open nothing, got ", quoted(holder.label.text)),
      data_of(holder)};
}

/// A batch may have it that may have been sent.
Error not_known_yet() {
  return Error{
      -1,
      "label: which batches have one is not known yet, since lightningd does not tell what is in its datastore: "
      "try again",
      {}};
}

}  // namespace

bool LabelledCalls::takes(plugin::Command& command, const Request& request) {
  if (!request.label) return false;
  if (!labels_.known() || !all_read_) return command.fail(not_known_yet()), true;
  const auto* const holder = labels_.holder(request.label->text);
  if (holder == nullptr) return false;
  auto* const run = running_(holder->batch);
  if (run != nullptr && run->gave_up()) return false;
  if (request.dryrun != Request::DryRun::no) return command.fail(only_previews(*holder)), true;
  if (holder->label != *request.label) return command.fail(other_call(*holder)), true;
  if (run != nullptr) return run->join(std::move(command)), true;
  if (holder->result && !holder->result->empty()) return command.succeed(*holder->result), true;
  return command.fail(not_settled(*holder)), true;
}

// Its answer was too long to be kept, or nobody knows yet what becomes of it.
Error LabelledCalls::not_settled(const labels::Holder& holder) const {
  const auto* const settlement = left_.settling(holder.batch);
  const bool undone =
      !holder.result && settlement != nullptr && settlement->ledger()->phase != ledger::BatchPhase::sending;
  const char* const how = holder.result ? "has opened; its answer was too long to be kept: "
                          : undone
                              ? "is being undone, and was not sent: try again when that is done, "
                              : "was signed and may be on its way, but is not settled yet. It is not opened again; ";
  return Error{undone ? code::generic : code::broadcast_fail,
               str("label: batch ", holder.batch, ", which has it, ", how, "see listmultifundchannels ", holder.batch),
               data_of(holder)};
}

void LabelledCalls::begin(const ledger::Ledger& ledger, const std::shared_ptr<journal::Journal>& journal) {
  if (!ledger.user_label) return;
  labels_.begin(ledger.id, *ledger.user_label);
  journal->before_removal(
      [this, id = ledger.id](lightningd::Reply<void> then) { before_removal(id, std::move(then)); });
}

// From then on only the label's own record says that the batch has opened.
void LabelledCalls::before_removal(const std::string& batch, lightningd::Reply<void> then) {
  if (const auto* const run = running_(batch)) {
    const bool opened = run->answer() && *run->answer();
    return opened ? labels_.keep(batch, **run->answer(), std::move(then)) : then({});
  }
  const auto* const settlement = left_.settling(batch);
  const bool opened = settlement != nullptr && settlement->opened();
  opened ? labels_.keep(batch, labels::settled_answer(settlement->report()), std::move(then)) : then({});
}

void LabelledCalls::finished(const batch::CommandRun& run) {
  const auto& ledger = *run.ledger();
  if (!ledger.user_label) return;
  if (run.gave_up()) labels_.free(ledger.id);
  // What is still to be done, such as a policy, changes nothing about the answer.
  if (*run.answer()) labels_.keep(ledger.id, **run.answer(), [](const Result<void>&) {});
}

void LabelledCalls::ended(const report::BatchReport& report) {
  if (report.state != report::BatchState::opened) labels_.free(report.id);
}

}  // namespace app
