#include "left/aborting.hpp"

#include <array>
#include <optional>
#include <utility>

#include "json/writer.hpp"
#include "util/str.hpp"
#include "waiting/waiting_words.hpp"

namespace left {

using util::Error;
using util::Result;
using util::str;

namespace {

std::string abort_json(const std::string& batch, const rivals::AbortTransaction& transaction, bool aborting) {
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

std::string given_up_json(const std::string& batch, const ledger::FundingPlan& plan, bool aborting) {
  json::Writer out;
  out.object().field("batch", batch).field("aborting", aborting).field("txid", plan.txid.hex());
  out.list("steps", std::array{"cancel its channels: its transaction was not sent",
                               "free its inputs, if they are the wallet's", "remove its record"});
  if (plan.is_users) {
    out.list("warnings",
             std::array{"whoever has the transaction signed must not send it any more: it would pay for channels "
                        "that nobody has. Spend one of its inputs elsewhere to be sure"});
  }
  return out.end().take();
}

}  // namespace

void Aborting::abort(plugin::Command command, const AbortRequest& request) {
  auto* const found = batches_.settling(request.batch);
  if (found == nullptr) return command.fail(batches_.not_unsettled(request.batch));
  if (found->ledger()->waits()) {
    return found->waiting() ? give_up(std::move(command), request, *found) : command.fail(waiting::busy());
  }
  if (const auto why = found->why_not_abort()) return command.fail(Error{-1, "batch: " + *why, {}});
  const auto bumped = bumped_(found->ledger()->plan->txid);
  if (!bumped) return command.fail(bumped.error());
  offers_.push_back(std::make_unique<rivals::AbortOffer>(batches_.calls(scope_, command.raw_id()), batches_.book(),
                                                         found->ledger(), *bumped));
  auto* const offer = offers_.back().get();
  auto offered = [this, offer, request, bumped = *bumped,
                  command = std::move(command)](const Result<rivals::AbortTransaction>& transaction) mutable {
    // It is in the middle of calling this.
    scope_.runtime().post(scope_.guard<>(
        "offer", [this, offer] { std::erase_if(offers_, [offer](const auto& one) { return one.get() == offer; }); }));
    if (!transaction) return command.fail(transaction.error());
    if (!request.confirm) return command.succeed(abort_json(request.batch, *transaction, false));
    begin(std::move(command), request.batch, *transaction, bumped);
  };
  offer->ask(request.feerate, std::move(offered));
}

// Nothing was sent, so nothing has to be made impossible. But the user may have signed it.
void Aborting::give_up(plugin::Command command, const AbortRequest& request, recovery::Settlement& settlement) {
  const auto& plan = *settlement.ledger()->plan;
  auto result = given_up_json(request.batch, plan, request.confirm);
  if (!request.confirm) return command.succeed(result);
  settlement.waiting()->give_up(
      [command = std::move(command), result = std::move(result)](const Result<void>& begun) mutable {
        begun ? command.succeed(result) : command.fail(begun.error());
      });
}

// In the journal first: from then on nobody sends the batch's own transaction, a crash or not.
void Aborting::begin(plugin::Command command, const std::string& batch, const rivals::AbortTransaction& transaction,
                     bitcoin::Sat bumped) {
  auto* const settlement = batches_.settling(batch);
  if (settlement == nullptr) return command.fail(batches_.not_unsettled(batch));  // settled just now
  if (const auto why = settlement->why_not_abort()) return command.fail(Error{-1, "batch: " + *why, {}});
  const auto ledger = settlement->ledger();
  const auto before = ledger->abort ? std::optional(ledger->abort->txid) : std::nullopt;
  if (before != transaction.replaces) {
    return command.fail(Error{-1, "batch: another abort of it was begun meanwhile: try again", {}});
  }
  const auto bumped_now = bumped_(ledger->plan->txid);
  if (!bumped_now || *bumped_now > bumped) {
    return command.fail(Error{-1, "batch: a bump of its transaction was begun meanwhile: try again", {}});
  }
  settlement->stop();
  auto saved = [this, batch, ledger, replaced = ledger->abort_begins(transaction.record), transaction,
                command = std::move(command)](const Result<void>& done) mutable {
    // Without an answer the record may say so all the same: then it is aborted, as the user wanted.
    const bool begun = done.ok() || lightningd::in_doubt(done.error());
    if (!begun) ledger->abort_not_begun(replaced);
    const auto stopped = batches_.take(batch);
    if (!stopped) return command.fail(batches_.not_unsettled(batch));  // forgotten meanwhile
    batches_.settle_again(*stopped);
    if (done) return command.succeed(abort_json(batch, transaction, true));
    const auto& error = done.error();
    command.fail(Error{error.code,
                       str(error.message, begun ? "; the batch is aborted all the same, see listmultifundchannels"
                                                : "; it is not aborted"),
                       error.data});
  };
  settlement->journal()->save(scope_, *ledger, std::move(saved));
}

}  // namespace left
