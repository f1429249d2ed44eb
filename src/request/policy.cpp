#include "request/policy.hpp"

#include "lightningd/codes.hpp"

namespace request {

void PolicyRecord::answered(const util::Result<std::vector<std::string>>& answer) {
  if (answer) {
    state = State::applied;
    error.reset();
    warnings = *answer;
    return;
  }
  if (state == State::applied) return;
  error = answer.error();
  // Such a channel there is not, or not any more; or this lightningd does not know the call.
  const bool final =
      error->code == lightningd::code::invalid_params || error->code == lightningd::code::method_not_found;
  if (final || attempts >= most_attempts) state = State::refused;
}

}  // namespace request
