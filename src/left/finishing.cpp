#include "left/finishing.hpp"

#include <utility>

#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace left {

using report::BatchState;
using util::Error;
using util::Result;
using util::str;

Error Finishing::cannot_wait() {
  return Error{lightningd::code::invalid_params,
               "this lightningd cannot withhold channels: a batch can wait for its user from v25.12 on "
               "(multifundchannel-prepare, "
               "and send=false)",
               {}};
}

void Finishing::finish(plugin::Command command, const FinishRequest& request) {
  const auto* const ended = batches_.ended(request.batch);
  if (ended != nullptr && ended->state == BatchState::opened) return command.succeed(report::finished_json(*ended));
  auto* const settlement = batches_.settling(request.batch);
  if (settlement == nullptr) return command.fail(batches_.not_unsettled(request.batch));
  if (settlement->report().state == BatchState::opened) {
    return command.succeed(report::finished_json(settlement->report()));
  }
  auto* const waiting = settlement->waiting();
  if (waiting == nullptr) {
    return command.fail(Error{lightningd::code::invalid_params,
                              str("batch: ", request.batch, " does not wait to be finished: it is ",
                                  report::name_of(settlement->report().state)),
                              {}});
  }
  waiting->finish(request.psbt, [command = std::move(command)](const Result<std::string>& result) mutable {
    result ? command.succeed(*result) : command.fail(result.error());
  });
}

}  // namespace left
