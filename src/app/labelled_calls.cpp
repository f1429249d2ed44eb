#include "app/labelled_calls.hpp"

#include <algorithm>
#include <utility>

#include "json/writer.hpp"
#include "labels/settled_answer.hpp"
#include "lightningd/codes.hpp"
#include "request/policy.hpp"
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

/// How a batch stands that no command runs any more.
enum class Standing { waits, undone, opened, in_doubt };

/// Policies are asked for when the transaction was sent.
bool has_asked_for_policies(const ledger::Ledger& ledger) {
  return std::any_of(ledger.openings.begin(), ledger.openings.end(), [](const auto& opening) {
    const auto& policy = opening->policy;
    return policy && (policy->attempts > 0 || policy->state != request::PolicyRecord::State::pending);
  });
}

Standing standing_of(const recovery::Settlement& settlement, const labels::Holder& holder) {
  const auto& ledger = *settlement.ledger();
  if (ledger.waits()) return Standing::waits;
  if (ledger.phase != ledger::BatchPhase::sending) return Standing::undone;
  if (ledger.abort) return Standing::in_doubt;
  if (settlement.opened() || settlement.report().state == report::BatchState::opened) return Standing::opened;
  return (holder.result && !holder.waits) || has_asked_for_policies(ledger) ? Standing::opened : Standing::in_doubt;
}

/// The answer of its own command, unless its transaction was not sent by then.
std::string opened_answer(const recovery::Settlement& settlement, const labels::Holder& holder) {
  return holder.result && !holder.waits ? *holder.result : labels::settled_answer(settlement.report());
}

/// Nobody knows yet what becomes of it, or its answer was too long to be kept.
Error no_answer(const labels::Holder& holder, Standing standing) {
  const auto how = [standing] {
    switch (standing) {
      case Standing::waits:
        return "waits for its user; its answer is not kept: multifundchannel-finish sends its transaction, "
               "and multifundchannel-abort gives it up, ";
      case Standing::undone:
        return "is being undone, and was not sent: try again when that is done, ";
      case Standing::opened:
        return "has opened; its answer was too long to be kept: ";
      case Standing::in_doubt:
        break;
    }
    return "was signed and may be on its way, but is not settled yet. It is not opened again; ";
  };
  const bool unsent = standing == Standing::waits || standing == Standing::undone;
  return Error{
      unsent ? code::generic : code::broadcast_fail,
      str("label: batch ", holder.batch, ", which has it, ", how(), "see listmultifundchannels ", holder.batch),
      data_of(holder)};
}

}  // namespace

bool LabelledCalls::takes(plugin::Command& command, const Request& request) {
  if (!request.label) return false;
  if (!labels_.known() || !all_read_) return command.fail(not_known_yet()), true;
  labels_.free_orphans();
  const auto* const holder = labels_.holder(request.label->text);
  if (holder == nullptr) return false;
  auto* const run = running_(holder->batch);
  if (run != nullptr && run->gave_up()) return false;
  if (request.dryrun != Request::DryRun::no) return command.fail(only_previews(*holder)), true;
  if (holder->label != *request.label) return command.fail(other_call(*holder)), true;
  if (run != nullptr) return run->join(std::move(command)), true;
  return answer(std::move(command), *holder), true;
}

// As long as there is a record of the batch, that says how it stands, and not what was kept.
void LabelledCalls::answer(plugin::Command command, const labels::Holder& holder) const {
  const auto* const settlement = left_.settling(holder.batch);
  auto standing = holder.result && !holder.waits ? Standing::opened : Standing::in_doubt;
  if (settlement != nullptr) standing = standing_of(*settlement, holder);
  std::string result;
  if (standing == Standing::opened && settlement != nullptr) {
    result = opened_answer(*settlement, holder);
  } else if (standing == Standing::opened || standing == Standing::waits) {
    result = holder.result.value_or("");
  }
  result.empty() ? command.fail(no_answer(holder, standing)) : command.succeed(result);
}

void LabelledCalls::begin(const ledger::Ledger& ledger, const std::shared_ptr<journal::Journal>& journal) {
  if (!ledger.user_label) return;
  labels_.begin(ledger.id, *ledger.user_label);
  journal->before_removal(
      [this, id = ledger.id](lightningd::Reply<void> then) { before_removal(id, std::move(then)); });
}

// Before its record says that it waits: a crash in between undoes it, one afterwards finds both.
void LabelledCalls::will_wait(const std::string& batch, const std::string& answer, lightningd::Reply<void> then) {
  labels_.of_batch(batch) != nullptr ? labels_.keep_waiting(batch, answer, std::move(then)) : then({});
}

void LabelledCalls::sent(const std::string& batch) {
  const auto* const settlement = left_.settling(batch);
  const auto* const holder = labels_.of_batch(batch);
  if (settlement == nullptr || holder == nullptr || !holder->waits) return;
  labels_.keep(batch, labels::settled_answer(settlement->report()), [](const Result<void>&) {});
}

// From then on only the label's own record says that the batch has opened, or no more that it has an answer. A batch
// that its user forgets was sent all the same.
void LabelledCalls::before_removal(const std::string& batch, lightningd::Reply<void> then) {
  if (const auto* const run = running_(batch)) {
    const bool opened = run->answer() && *run->answer();
    return opened ? labels_.keep(batch, **run->answer(), std::move(then)) : labels_.take_back(batch, std::move(then));
  }
  const auto* const settlement = left_.settling(batch);
  const auto* const holder = labels_.of_batch(batch);
  if (holder == nullptr) return labels_.take_back(batch, std::move(then));  // freed, but perhaps not on disk
  if (settlement == nullptr) return then({});
  const bool forgets = forgets_(batch);
  if (forgets && !labels_.known()) return then(not_known_yet());
  const bool opened = settlement->opened() || (forgets && standing_of(*settlement, *holder) == Standing::opened);
  opened ? labels_.keep(batch, opened_answer(*settlement, *holder), std::move(then))
         : labels_.take_back(batch, std::move(then));
}

// What is still to be done, such as a policy, changes nothing about the answer.
void LabelledCalls::finished(const batch::CommandRun& run) {
  const auto& ledger = *run.ledger();
  if (!ledger.user_label) return;
  if (run.gave_up()) labels_.free(ledger.id);
  if (*run.answer() && !ledger.waits()) labels_.keep(ledger.id, **run.answer(), [](const Result<void>&) {});
}

// Who has it forgotten has not made it unsent.
void LabelledCalls::ended(const report::BatchReport& report) {
  const auto* const holder = labels_.of_batch(report.id);
  const bool sent = report.state == report::BatchState::opened ||
                    (report.state == report::BatchState::forgotten && holder != nullptr && holder->result);
  if (!sent) labels_.free(report.id);
}

}  // namespace app
