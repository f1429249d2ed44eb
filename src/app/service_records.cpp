// listmultifundchannels and multifundchannel-forget.

#include <algorithm>
#include <array>
#include <utility>

#include "app/service.hpp"
#include "context/calls.hpp"
#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"
#include "wallet/holds.hpp"

namespace app {

using util::Error;
using util::Result;
using util::str;

namespace {

Error unknown_batch(const std::string& batch) {
  return Error{
      lightningd::code::invalid_params, str("batch: there is none with the id ", util::shortened(batch, 100)), {}};
}

using Outputs = std::vector<lightningd::WalletOutput>;

/// What is given up with a record that is being settled, for the user to decide.
std::vector<std::string> losses_of(const report::BatchReport& report, const ledger::Ledger& ledger,
                                   const Outputs& outputs) {
  std::vector<std::string> losses;
  for (const auto& output : outputs) {
    if (wallet::hold_on(output, ledger.reservation) != wallet::Hold::ours) continue;
    losses.push_back(str("input ", output.outpoint.str(), " stays reserved until block ", output.reserved_to_block));
  }
  for (const auto& destination : report.destinations) {
    const auto what = destination.outpoint ? str("channel ", destination.outpoint->str()) : std::string("opening");
    losses.push_back(str(what, " with ", destination.id.hex(), " is neither completed nor removed",
                         !destination.outpoint ? ""
                         : ledger.abort        ? ": once the abort has confirmed it never is funded"
                                               : ": close it, or a record that is put back can complete it"));
  }
  for (const auto& destination : report.destinations) {
    if (!destination.policy || destination.policy->state != request::PolicyRecord::State::pending) continue;
    losses.push_back(str("the policy of channel ", destination.outpoint->str(), " is not set"));
  }
  if (ledger.phase == ledger::BatchPhase::sending && report.txid) {
    losses.push_back(str("transaction ", report.txid->hex(),
                         " may have been sent; it is not sent again. Do not spend its inputs before you know"));
  }
  if (ledger.abort) {
    losses.push_back(str("the abort's transaction ", ledger.abort->txid.hex(),
                         " may have been sent; it is not sent again, and nobody waits until it is in the chain"));
  }
  return losses;
}

/// The answer of multifundchannel-forget.
std::string forget_json(const std::string& batch, const std::string& state, const std::vector<std::string>& gives_up,
                        bool forgotten) {
  json::Writer out;
  out.object().field("batch", batch).field("forgotten", forgotten).field("state", state);
  return out.list("gives_up", gives_up).end().take();
}

std::string abort_json(const std::string& batch, const recovery::AbortTransaction& transaction, bool aborting) {
  json::Writer out;
  out.object().field("batch", batch).field("aborting", aborting).field("txid", transaction.record.txid.hex());
  out.list("inputs", transaction.record.inputs, &bitcoin::Outpoint::str);
  out.field("feerate_perkw", transaction.feerate.value);
  out.field("fee_msat", bitcoin::to_msat(transaction.record.fee).value);
  out.field("returned_msat", bitcoin::to_msat(transaction.returned).value);
  out.list("steps", std::array{"spend these inputs back to the wallet; the batch's transaction is not sent any more",
                               "wait until that is six blocks deep (if the batch's own transaction is, the batch is "
                               "opened)",
                               "then cancel its channels, free its inputs and remove its record"});
  if (!transaction.warnings.empty()) out.list("warnings", transaction.warnings);
  return out.end().take();
}

std::string forget_json(const recovery::Settlement& settlement, const Outputs& outputs, bool forgotten) {
  const auto& report = settlement.report();
  return forget_json(report.id, name_of(report.state), losses_of(report, *settlement.ledger(), outputs), forgotten);
}

}  // namespace

std::vector<report::BatchReport> Service::reports() const {
  std::vector<report::BatchReport> reports(ended_.all().begin(), ended_.all().end());
  for (const auto& [id, run] : runs_) reports.push_back(run->report());
  for (const auto& [id, settlement] : settlements_) reports.push_back(settlement->report());
  for (const auto& [id, why] : unreadable_) {
    report::BatchReport report;
    report.id = journal::brief(id);
    report.state = report::BatchState::unsettled;
    report.recovery = {str("its record is kept but not acted on: ", why)};
    reports.push_back(std::move(report));
  }
  std::stable_sort(reports.begin(), reports.end(), [](const auto& a, const auto& b) { return a.begun < b.begun; });
  return reports;
}

void Service::list(plugin::Command command, const std::optional<std::string>& batch) {
  auto all = reports();
  if (batch) std::erase_if(all, [&batch](const report::BatchReport& report) { return report.id != *batch; });
  if (batch && all.empty()) return command.fail(unknown_batch(*batch));
  command.succeed(report::to_json(all));
}

void Service::forget(plugin::Command command, const std::string& batch, bool confirmed) {
  if (unreadable_.contains(batch)) return forget_unreadable(std::move(command), batch, confirmed);
  if (runs_.contains(batch)) {
    return command.fail(Error{-1, str("batch: ", batch, " is still running"), {}});
  }
  if (!settlements_.contains(batch)) return command.fail(unknown_batch(batch));
  const lightningd::Client client(caller_, command.raw_id());
  client.listfunds(context::Calls{scope_, client, settings_}.local<Outputs>(
      "listfunds", [this, batch, confirmed, command = std::move(command)](const Result<Outputs>& outputs) mutable {
        if (!outputs) return command.fail(outputs.error());
        const auto found = settlements_.find(batch);
        if (found == settlements_.end()) return command.fail(unknown_batch(batch));  // settled just now
        if (!confirmed) return command.succeed(forget_json(*found->second, *outputs, false));
        forget_settling(std::move(command), *found->second, *outputs);
      }));
}

// From now on it neither sends nor undoes anything: that is what the caller was shown to give up.
void Service::forget_settling(plugin::Command command, recovery::Settlement& settlement,
                              const std::vector<lightningd::WalletOutput>& outputs) {
  settlement.stop();
  auto removed = [this, batch = settlement.report().id, outputs,
                  command = std::move(command)](const Result<void>& done) mutable {
    const auto node = settlements_.extract(batch);
    if (node.empty()) return command.fail(unknown_batch(batch));  // forgotten by another program meanwhile
    const auto& stopped = *node.mapped();
    if (!done) {
      settle_again(stopped);
      return command.fail(done.error());
    }
    command.succeed(forget_json(stopped, outputs, true));
    auto report = stopped.report();
    report.state = report::BatchState::forgotten;
    ended_.add(std::move(report));
  };
  settlement.journal()->remove(scope_, std::move(removed));
}

/// Why there is nothing to abort under this id.
Error Service::not_unsettled(const std::string& batch) const {
  if (unreadable_.contains(batch)) {
    return Error{lightningd::code::invalid_params,
                 str("batch: the record of ", batch, " is not acted on (", unreadable_.at(batch),
                     "), so it is not aborted either: multifundchannel-forget removes it"), {}};
  }
  if (const auto* ended = ended_.find(batch)) {
    return Error{
        lightningd::code::invalid_params, str("batch: ", batch, " has ended already: ", name_of(ended->state)), {}};
  }
  return unknown_batch(batch);
}

void Service::abort(plugin::Command command, const AbortRequest& request) {
  if (end_) return command.fail(*end_);
  if (runs_.contains(request.batch)) {
    return command.fail(Error{-1, str("batch: ", request.batch, " is still running"), {}});
  }
  const auto found = settlements_.find(request.batch);
  if (found == settlements_.end()) return command.fail(not_unsettled(request.batch));
  if (const auto why = found->second->why_not_abort()) return command.fail(Error{-1, "batch: " + *why, {}});
  const lightningd::Client client(caller_, command.raw_id());
  offers_.push_back(
      std::make_unique<recovery::AbortOffer>(context::Calls{scope_, client, settings_}, found->second->ledger()));
  auto* const offer = offers_.back().get();
  auto offered = [this, offer, request,
                  command = std::move(command)](const Result<recovery::AbortTransaction>& transaction) mutable {
    // It is in the middle of calling this.
    runtime_.post(scope_.guard<>("offer", [this, offer] {
      std::erase_if(offers_, [offer](const auto& one) { return one.get() == offer; });
    }));
    if (!transaction) return command.fail(transaction.error());
    if (!request.confirm) return command.succeed(abort_json(request.batch, *transaction, false));
    begin_abort(std::move(command), request.batch, *transaction);
  };
  offer->ask(request.feerate, std::move(offered));
}

// In the journal first: from then on nobody sends the batch's own transaction, a crash or not.
void Service::begin_abort(plugin::Command command, const std::string& batch,
                          const recovery::AbortTransaction& transaction) {
  const auto found = settlements_.find(batch);
  if (found == settlements_.end()) return command.fail(not_unsettled(batch));  // settled just now
  auto& settlement = *found->second;
  if (const auto why = settlement.why_not_abort()) return command.fail(Error{-1, "batch: " + *why, {}});
  const auto ledger = settlement.ledger();
  const auto before = ledger->abort ? std::optional(ledger->abort->txid) : std::nullopt;
  if (before != transaction.replaces) {
    return command.fail(Error{-1, "batch: another abort of it was begun meanwhile: try again", {}});
  }
  settlement.stop();
  auto saved = [this, batch, ledger, replaced = std::exchange(ledger->abort, transaction.record), transaction,
                command = std::move(command)](const Result<void>& done) mutable {
    // Without an answer the record may say so all the same: then it is aborted, as the user wanted.
    const bool begun = done.ok() || lightningd::in_doubt(done.error());
    if (!begun) ledger->abort = replaced;
    const auto stopped = settlements_.find(batch);
    if (stopped == settlements_.end()) return command.fail(not_unsettled(batch));  // forgotten meanwhile
    const auto kept = std::move(stopped->second);
    settle_again(*kept);
    if (done) return command.succeed(abort_json(batch, transaction, true));
    const auto& error = done.error();
    command.fail(Error{error.code,
                       str(error.message, begun ? "; the batch is aborted all the same, see listmultifundchannels"
                                                : "; it is not aborted"),
                       error.data});
  };
  settlement.journal()->save(scope_, *ledger, std::move(saved));
}

void Service::settle_again(const recovery::Settlement& stopped) {
  settle(stopped.report().id,
         std::make_unique<recovery::Settlement>(process(settings_), client_of(stopped.report().id),
                                                journal::Kept{stopped.ledger(), stopped.journal()}, stopped.report()),
         settings_.settle_pause, nullptr);
}

void Service::forget_unreadable(plugin::Command command, const std::string& batch, bool confirmed) {
  auto answer = [batch, why = unreadable_.at(batch)](bool forgotten) {
    return forget_json(batch, "unsettled", {str("a record that is not acted on: ", why)}, forgotten);
  };
  if (!confirmed) return command.succeed(answer(false));
  auto removed = [this, batch, answer, command = std::move(command)](const Result<void>& done) mutable {
    if (!done) return command.fail(done.error());
    unreadable_.erase(batch);
    command.succeed(answer(true));
  };
  const lightningd::Client client(caller_, command.raw_id());
  client.deldatastore(journal::journal_key(batch),
                      context::Calls{scope_, client, settings_}.local<void>("deldatastore", std::move(removed)));
}

}  // namespace app
