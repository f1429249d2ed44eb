#include "batch/command_run.hpp"

#include <utility>

#include "util/log.hpp"
#include "util/str.hpp"

namespace batch {

using util::Error;
using util::Result;

namespace {

constexpr int most_tries_to_record = 3;

}  // namespace

CommandRun::CommandRun(const peers::Process& process, lightningd::Client client, Parts parts)
    : process_(process),
      client_(std::move(client)),
      command_(std::move(parts.command)),
      watch_(std::move(parts.watch)),
      batch_(std::move(parts.batch)),
      journal_(std::move(parts.journal)),
      scope_(process.runtime, nullptr) {
  if (!process_.settings.progress) return;
  watch_->tell([this](std::size_t num, std::size_t total, std::size_t stage,
                      std::size_t stages) { command_.progress(num, total, stage, stages); },
               [this](const std::string& line) { command_.message(util::Level::info, line); });
}

void CommandRun::run(util::Function<void(bool)> finished) {
  finished_ = std::move(finished);
  batch_->run([this, alive = std::weak_ptr<int>(alive_)](Result<std::string> answer) {
    if (!alive.expired()) answered(std::move(answer));
  });
}

void CommandRun::stop() {
  stopped_ = true;
  batch_->abort(Error{-1, "the plugin was stopped", {}});
}

void CommandRun::leave() {
  if (std::exchange(replied_, true)) return;
  const Error error{
      -1, util::str("lightningd is shutting down: batch ", ledger()->id, " is settled when it starts again"), {}};
  command_.fail(error);
  for (auto& command : joined_) command.fail(error);
}

void CommandRun::join(plugin::Command command) {
  if (replied_) return tell(command);
  joined_.push_back(std::move(command));
}

bool CommandRun::gave_up() const {
  return replied_ && answer_ && !*answer_ && !batch_->ledger()->sending && !journal_->may_be_completed();
}

void CommandRun::answered(Result<std::string> answer) {
  watch_->ended(answer.ok());
  util::info(batch_->label(), answer ? ": done" : ": failed: ", answer ? "" : answer.error().message);
  answer_ = std::move(answer);
  auto& ledger = *batch_->ledger();
  const bool waits = ledger.waits();
  if (waits ? answer_->ok() : !journal_->may_be_completed() || ledger.sending) return reply_soon();
  ledger.given_up();
  record_failure(most_tries_to_record);
}

// Before the caller hears that it failed, and before anything is undone: a crash must not find the transaction
// ready to be sent.
void CommandRun::record_failure(int tries) {
  journal_->save(scope_, *ledger(), [this, tries](const Result<void>& saved) {
    if (saved) return reply_soon();
    util::warn(batch_->label(), ": ", saved.error().message);
    if (tries > 1) return scope_.after(process_.settings.settle_pause, [this, tries] { record_failure(tries - 1); });
    warn_of_completion();
    finish(false);  // it is undone when it can be recorded
  });
}

void CommandRun::reply_soon() {
  scope_.after(process_.settings.reply_grace, [this] { reply(); });
  undo();
}

void CommandRun::undo() {
  auto save = [this](const ledger::Ledger& now, lightningd::Reply<void> then) {
    journal_->save(scope_, now, std::move(then));
  };
  undo_ = std::make_unique<Undo>(process_, client_, ledger(), std::move(save));
  if (ledger()->reservation.answer_lost) undo_->leave_coins();
  undo_->run([this](bool clean) { undone(clean); });
}

void CommandRun::undone(bool clean) {
  undone_ = clean;
  if (!clean) util::warn(batch_->label(), ": something could not be undone, see above");
  const bool in_doubt = batch_->ledger()->sending && !answer_->ok();
  const auto& ledger = *batch_->ledger();
  // What has no answer may still reserve what nobody would release.
  const bool may_reserve = ledger.reservation.prepared || ledger.reservation.answer_lost;
  if (!clean || in_doubt || ledger.waits() || ledger.any_policy_pending() || may_reserve) return finish(false);
  announce();
  journal_->remove(scope_, [this](const Result<void>& removed) {
    if (!removed) util::warn(batch_->label(), ": its record could not be removed: ", removed.error().message);
    finish(removed.ok());
  });
}

// Nothing is undone as long as the record cannot be changed. Whoever tries again must know.
void CommandRun::warn_of_completion() {
  Error error = answer_->error();
  error.message += util::str("; a crash may still complete it, until listmultifundchannels shows batch ", ledger()->id,
                             " as undone");
  answer_ = std::move(error);
}

// A batch that ended by itself just before has its own error.
void CommandRun::say_what_was_undone() {
  if (!stopped_ || *answer_ || ledger()->sending) return;
  Error error = answer_->error();
  error.message += util::str(undone_ ? ": nothing was sent, and batch " : ": nothing was sent; what is left of batch ",
                             ledger()->id, undone_ ? " is undone" : " is undone now or when the plugin starts again");
  answer_ = std::move(error);
}

void CommandRun::finish(bool settled) {
  reply();
  process_.runtime.post([finished = std::move(finished_), settled]() mutable { finished(settled); });
}

void CommandRun::reply() {
  if (std::exchange(replied_, true)) return;
  say_what_was_undone();
  announce();
  tell(command_);
  for (auto& command : joined_) tell(command);
}

// Of a failure not before it is certain: as long as a crash may still complete the batch, its settlement has to tell.
void CommandRun::announce() {
  const bool certain = *answer_ || ledger()->sending || !journal_->may_be_completed();
  if (certain) process_.announcer.tell(report());
}

void CommandRun::tell(plugin::Command& command) {
  *answer_ ? command.succeed(**answer_) : command.fail(answer_->error());
}

report::BatchReport CommandRun::report() const {
  report::BatchReport report = batch_->report();
  report.state = report::BatchState::running;
  if (!answer_) return report;
  if (*answer_ && batch_->ledger()->waits()) {
    report.state = report::BatchState::waiting;
  } else if (*answer_) {
    report.opened();
  } else {
    // What may have been sent is kept, and the settlement that follows says what becomes of it.
    if (batch_->ledger()->sending) {
      report.state = report::BatchState::settling;
    } else {
      report.undone(report::BatchState::failed);
    }
    report.error = answer_->error();
  }
  return report;
}

}  // namespace batch
