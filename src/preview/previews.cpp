#include "preview/previews.hpp"

#include <utility>

namespace preview {

using util::Result;

void Previews::start(std::unique_ptr<Preview> preview, plugin::Command command, util::Function<void()> ended) {
  const auto number = ++last_number_;
  const auto at = running_.emplace(number, Run{std::move(preview), std::move(command)}).first;
  at->second.preview->run([this, number, ended = std::move(ended)](const Result<std::string>& answer) mutable {
    auto run = std::move(running_.extract(number).mapped());
    answer ? run.command.succeed(*answer) : run.command.fail(answer.error());
    ended();
  });
}

void Previews::abort(const util::Error& error) {
  for (const auto& [number, run] : running_) run.preview->abort(error);
}

void Previews::leave(const util::Error& error) {
  for (auto& [number, run] : running_) run.command.fail(error);
  running_.clear();
}

}  // namespace preview
