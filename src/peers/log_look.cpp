#include "peers/log_look.hpp"

#include <utility>

#include "context/local_call.hpp"

namespace peers {

using util::Result;

void LogLook::ask(Then then) {
  next_.push_back(std::move(then));
  if (waiting_.empty()) send();
}

void LogLook::send() {
  waiting_ = std::exchange(next_, {});
  client_.log(local_call<Lines>(scope_, settings_, "getlog", [this](const Result<Lines>& lines) { answered(lines); }));
}

// Any of them may end the batch: then the others are of no interest.
void LogLook::answered(const Result<Lines>& lines) {
  for (auto& then : std::exchange(waiting_, {})) {
    if (!scope_.ended()) then(lines);
  }
  if (!next_.empty() && waiting_.empty() && !scope_.ended()) send();
}

}  // namespace peers
