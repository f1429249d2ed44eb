#include "peers/log_look.hpp"

#include <utility>

#include "context/calls.hpp"

namespace peers {

using util::Result;

void LogLook::ask(Then then) {
  next_.push_back(std::move(then));
  if (waiting_.empty()) send();
}

void LogLook::send() {
  waiting_ = std::exchange(next_, {});
  calls_.client.log(calls_.local<Lines>("getlog", [this](const Result<Lines>& lines) { answered(lines); }));
}

// Any of them may end the batch: then the others are of no interest.
void LogLook::answered(const Result<Lines>& lines) {
  for (auto& then : std::exchange(waiting_, {})) {
    if (!calls_.scope.ended()) then(lines);
  }
  if (!next_.empty() && waiting_.empty() && !calls_.scope.ended()) send();
}

}  // namespace peers
