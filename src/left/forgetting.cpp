#include "left/forgetting.hpp"

#include <utility>

#include "json/writer.hpp"
#include "util/str.hpp"
#include "wallet/holds.hpp"

namespace left {

using util::Result;
using util::str;

namespace {

using Outputs = std::vector<lightningd::WalletOutput>;

/// What is given up with a record that is being settled, for the user to decide.
std::vector<std::string> losses_of(const report::BatchReport& report, const ledger::Ledger& ledger,
                                   const wallet::Holds& held, const Outputs& outputs) {
  std::vector<std::string> losses;
  for (const auto& output : outputs) {
    if (!held.is_ours(output.outpoint)) continue;
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
  if (ledger.waits() && ledger.plan->is_users) {
    losses.push_back(str("transaction ", ledger.plan->txid.hex(),
                         " must not be sent any more, whoever has it signed: its channels can be lost"));
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

std::string forget_json(const recovery::Settlement& settlement, const ledger::Book& book, const Outputs& outputs,
                        bool forgotten) {
  const auto& report = settlement.report();
  const auto& ledger = *settlement.ledger();
  const wallet::Holds held(outputs, ledger, book);
  return forget_json(report.id, name_of(report.state), losses_of(report, ledger, held, outputs), forgotten);
}

}  // namespace

void Forgetting::forget(plugin::Command command, const ForgetRequest& request) {
  if (const auto* why = batches_.why_unreadable(request.batch)) {
    return forget_unreadable(std::move(command), request, *why);
  }
  if (batches_.settling(request.batch) == nullptr) return command.fail(LeftBatches::unknown(request.batch));
  const auto calls = batches_.calls(scope_, command.raw_id());
  calls.client.listfunds(calls.local<Outputs>(
      "listfunds", [this, request, command = std::move(command)](const Result<Outputs>& outputs) mutable {
        if (!outputs) return command.fail(outputs.error());
        auto* const found = batches_.settling(request.batch);
        if (found == nullptr) return command.fail(LeftBatches::unknown(request.batch));  // settled just now
        if (!request.confirm) return command.succeed(forget_json(*found, batches_.book(), *outputs, false));
        forget_settling(std::move(command), *found, *outputs);
      }));
}

// From now on it neither sends nor undoes anything: that is what the caller was shown to give up.
void Forgetting::forget_settling(plugin::Command command, recovery::Settlement& settlement, const Outputs& outputs) {
  settlement.stop();
  auto removed = [this, batch = settlement.report().id, outputs,
                  command = std::move(command)](const Result<void>& done) mutable {
    forgotten_.erase(batch);
    const auto stopped = batches_.take(batch);
    if (!stopped) return command.fail(LeftBatches::unknown(batch));  // forgotten by another program meanwhile
    if (!done) {
      batches_.settle_again(*stopped);
      return command.fail(done.error());
    }
    command.succeed(forget_json(*stopped, batches_.book(), outputs, true));
    auto report = stopped->report();
    report.state = report::BatchState::forgotten;
    batches_.add_ended(std::move(report));
  };
  forgotten_.insert(settlement.report().id);
  settlement.journal()->remove(scope_, std::move(removed));
}

void Forgetting::forget_unreadable(plugin::Command command, const ForgetRequest& request, const std::string& why) {
  auto answer = [batch = request.batch, why](bool forgotten) {
    return forget_json(batch, name_of(report::BatchState::unsettled), {str("a record that is not acted on: ", why)},
                       forgotten);
  };
  if (!request.confirm) return command.succeed(answer(false));
  const auto calls = batches_.calls(scope_, command.raw_id());
  auto removed = [this, batch = request.batch, answer, command = std::move(command)](const Result<void>& done) mutable {
    if (!done) return command.fail(done.error());
    batches_.remove_unreadable(batch);
    command.succeed(answer(true));
  };
  calls.client.deldatastore(journal::journal_key(request.batch), calls.local<void>("deldatastore", std::move(removed)));
}

}  // namespace left
