#include "multifundchannel/service.hpp"

#include <utility>

#include "funding/request.hpp"
#include "util/log.hpp"

namespace multifundchannel {

using util::Error;
using util::str;

Service::Service(spark::Runtime& runtime, jsonrpc::Caller& caller, const NodeFacts& node, const Settings& settings,
                 std::uint64_t seed)
    : runtime_(runtime),
      caller_(caller),
      node_(node),
      settings_(settings),
      random_(seed),
      connects_(runtime, settings.max_connects) {}

void Service::settings_changed() { connects_.set_limit(settings_.max_connects); }

void Service::multifundchannel(plugin::Command command, const json::Value& params) {
  auto request = funding::parse_request(params);
  if (!request) return command.fail(request.error());
  if (idle_) return command.fail(Error{-1, "lightningd is shutting down", {}});

  Settings settings = settings_;
  if (request->peer_timeout_seconds) settings.peer_timeout = std::chrono::seconds(*request->peer_timeout_seconds);
  const auto number = ++last_number_;
  // Inputs are known to be ours by the height that they are reserved to: no two batches share one.
  settings.longer_reservation += static_cast<std::uint32_t>(number % 100);
  lightningd::Client client(caller_, command.raw_id());
  auto batch = std::make_unique<Batch>(runtime_, client, settings, connects_, book_, node_, std::move(*request),
                                       str("batch ", number), random_());
  auto& run = runs_[number];
  run = std::make_unique<CommandRun>(runtime_, client, settings, book_, std::move(command), std::move(batch));
  run->run([this, number] { finished(number); });
}

void Service::finished(std::uint64_t number) {
  runs_.erase(number);
  if (runs_.empty() && idle_) std::exchange(idle_, nullptr)();
}

void Service::shut_down(spark::Duration limit, util::Function<void()> done) {
  if (runs_.empty()) return done();
  idle_ = std::move(done);
  util::info("shutting down: ", runs_.size(), " batches are undone first");
  runtime_.start_timer(limit, [this] {
    if (!idle_) return;
    util::warn("shutting down: ", runs_.size(), " batches could not be undone in time");
    std::exchange(idle_, nullptr)();
  });
  for (const auto& [number, run] : runs_) run->abort(Error{-1, "lightningd is shutting down", {}});
}

}  // namespace multifundchannel
