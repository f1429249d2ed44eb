#include "left/finishing.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "given/signed_psbt.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace left {

using report::BatchState;
using util::Error;
using util::Result;
using util::str;

namespace {

using Channels = std::vector<lightningd::PeerChannel>;

/// What lightningd shows of a transaction that was sent. Nothing when a channel of it is withheld: it was not finished
/// then.
std::optional<report::BatchReport> report_on(const FinishRequest& request, const Channels& channels) {
  report::BatchReport report;
  report.id = request.batch;
  report.txid = request.psbt->txid();
  for (const auto& channel : channels) {
    if (!channel.is_of(*report.txid) || !channel.opened_by_us) continue;
    if (channel.withheld) return std::nullopt;
    auto& destination = report.destinations.emplace_back();
    destination.id = channel.peer;
    destination.outpoint = channel.funding;
  }
  return report;
}

}  // namespace

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
  if (settlement == nullptr && ended == nullptr && request.psbt && !batches_.has_record(request.batch)) {
    return look_for_finished(std::move(command), request);
  }
  if (settlement == nullptr) return command.fail(batches_.not_unsettled(request.batch));
  if (settlement->report().state == BatchState::opened) {
    return command.succeed(report::finished_json(settlement->report()));
  }
  auto answer = [this, batch = request.batch, command = std::move(command)](const Result<std::string>& result) mutable {
    if (result) sent_(batch);
    result ? command.succeed(*result) : command.fail(result.error());
  };
  if (auto* const waiting = settlement->waiting()) return waiting->finish(request.psbt, std::move(answer));
  if (settlement->was_finished()) {
    const auto fits = given::check_signed_psbt(*settlement->ledger()->plan, request.psbt);
    return fits ? settlement->finish_again(std::move(answer)) : answer(fits.error());
  }
  answer(Error{lightningd::code::invalid_params,
               str("batch: ", request.batch, " does not wait to be finished: it is ",
                   report::name_of(settlement->report().state)),
               {}});
}

// Its record is gone, and the plugin was started again: only lightningd knows the transaction.
void Finishing::look_for_finished(plugin::Command command, const FinishRequest& request) {
  const auto calls = batches_.calls(scope_, command.raw_id());
  auto told = [calls, request, command = std::move(command)](const Result<bool>& known) mutable {
    if (!known) return command.fail(known.error());
    if (!*known) return command.fail(LeftBatches::unknown(request.batch));
    auto listed = [request, command = std::move(command)](const Result<Channels>& channels) mutable {
      if (!channels) return command.fail(channels.error());
      const auto report = report_on(request, *channels);
      report ? command.succeed(report::finished_json(*report)) : command.fail(LeftBatches::unknown(request.batch));
    };
    calls.client.listpeerchannels(std::nullopt, calls.local<Channels>("listpeerchannels", std::move(listed)));
  };
  chain::ChainLook(calls.client)
      .is_recorded(request.psbt->txid(), calls.local<bool>("listtransactions", std::move(told)));
}

}  // namespace left
