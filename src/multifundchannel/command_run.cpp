#include "multifundchannel/command_run.hpp"

#include <utility>

#include "util/log.hpp"

namespace multifundchannel {

using util::Error;
using util::Result;

CommandRun::CommandRun(spark::Runtime& runtime, lightningd::Client client, const Settings& settings,
                       const funding::OpeningBook& book, plugin::Command command, std::unique_ptr<Batch> batch)
    : runtime_(runtime),
      client_(std::move(client)),
      settings_(settings),
      book_(book),
      command_(std::move(command)),
      batch_(std::move(batch)),
      scope_(runtime, nullptr) {}

void CommandRun::run(util::Function<void()> finished) {
  finished_ = std::move(finished);
  batch_->run([this](Result<std::string> answer) { answered(std::move(answer)); });
}

void CommandRun::abort(const Error& error) { batch_->abort(error); }

void CommandRun::answered(Result<std::string> answer) {
  const std::string label = batch_->label();
  util::info(label, answer ? ": done" : ": failed: ", answer ? "" : answer.error().message);
  answer_ = std::move(answer);
  scope_.after(settings_.reply_grace, [this] { reply(); });
  undo_ = std::make_unique<Undo>(runtime_, client_, settings_, book_, batch_->ledger(), label);
  undo_->run([this, label](bool clean) {
    if (!clean) util::warn(label, ": something could not be undone, see above");
    reply();
    runtime_.post(std::move(finished_));
  });
}

void CommandRun::reply() {
  if (!answer_) return;
  const auto answer = *std::exchange(answer_, std::nullopt);
  if (answer) {
    command_.succeed(*answer);
  } else {
    command_.fail(answer.error());
  }
}

}  // namespace multifundchannel
