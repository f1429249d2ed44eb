#include "left/left_batches.hpp"

#include <algorithm>
#include <utility>

#include "lightningd/codes.hpp"
#include "util/log.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"

namespace left {

using util::Error;
using util::str;

namespace {

/// Of records that are not acted on: others may have written any number.
constexpr std::size_t unreadable_limit = 1000;

}  // namespace

void LeftBatches::settle(journal::Kept kept, report::BatchReport report, spark::Duration delay,
                         util::Function<void()> looked) {
  const std::string id = kept.ledger->id;
  auto process = process_;
  process.settings = settings_;
  auto& running = settlements_[id];
  running = std::make_unique<recovery::Settlement>(process, client_of(id), std::move(kept), std::move(report));
  running->run(delay, std::move(looked), [this, id] { settled(id); });
}

void LeftBatches::settle_again(const recovery::Settlement& stopped) {
  settle({stopped.ledger(), stopped.journal()}, stopped.report(), settings_.settle_pause, nullptr);
}

void LeftBatches::settled(const std::string& id) {
  const auto settlement = take(id);
  if (!settlement) return;  // the node ends, or the plugin is stopped, in this very moment
  // A record that came late, of a batch that has its end already, changes nothing about that.
  if (!has_ended(id)) add_ended(settlement->report());
}

void LeftBatches::add_ended(report::BatchReport report) {
  if (told_ended_) told_ended_(report);
  ended_.add(std::move(report));
}

recovery::Settlement* LeftBatches::settling(const std::string& id) const {
  const auto found = settlements_.find(id);
  return found == settlements_.end() ? nullptr : found->second.get();
}

std::unique_ptr<recovery::Settlement> LeftBatches::take(const std::string& id) {
  auto node = settlements_.extract(id);
  return node.empty() ? nullptr : std::move(node.mapped());
}

void LeftBatches::add_unreadable(const std::string& id, const std::string& why) {
  if (unreadable_.size() >= unreadable_limit && !unreadable_.contains(id)) {
    if (counted_++ == 0) util::warn("more than ", unreadable_limit, " records are not acted on");
    return;
  }
  util::warn("batch ", journal::brief(id), ": its record is kept but not acted on: ", why);
  unreadable_[id] = why;
}

const std::string* LeftBatches::why_unreadable(const std::string& id) const {
  const auto found = unreadable_.find(id);
  return found == unreadable_.end() ? nullptr : &found->second;
}

std::vector<report::BatchReport> LeftBatches::reports(std::vector<report::BatchReport> running) const {
  std::vector<report::BatchReport> reports(ended_.all().begin(), ended_.all().end());
  std::move(running.begin(), running.end(), std::back_inserter(reports));
  for (const auto& [id, settlement] : settlements_) reports.push_back(settlement->report());
  for (const auto& [id, why] : unreadable_) {
    report::BatchReport report;
    report.id = journal::brief(id);
    report.state = report::BatchState::unsettled;
    report.recovery = {str("its record is kept but not acted on: ", why)};
    reports.push_back(std::move(report));
  }
  if (more_unreadable_ > 0 && !unreadable_.empty()) {
    reports.back().recovery.push_back(str("and ", more_unreadable_, " more records like it, which are not shown"));
  }
  std::stable_sort(reports.begin(), reports.end(), [](const auto& a, const auto& b) { return a.begun < b.begun; });
  return reports;
}

Error LeftBatches::not_unsettled(const std::string& id) const {
  if (const auto* why = why_unreadable(id)) {
    return Error{lightningd::code::invalid_params,
                 str("batch: the record of ", id, " is not acted on (", *why,
                     "), so it is not aborted either: multifundchannel-forget removes it"),
                 {}};
  }
  if (const auto* ended = ended_.find(id)) {
    return Error{
        lightningd::code::invalid_params, str("batch: ", id, " has ended already: ", name_of(ended->state)), {}};
  }
  return unknown(id);
}

Error LeftBatches::unknown(const std::string& id) {
  return Error{
      lightningd::code::invalid_params, str("batch: there is none with the id ", util::shortened(id, 100)), {}};
}

context::Calls LeftBatches::calls(spark::Scope& scope, const std::string& origin) const {
  return {scope, lightningd::Client(caller_, origin), settings_};
}

lightningd::Client LeftBatches::client_of(const std::string& id) const {
  return {caller_, str("\"batch-", id.substr(0, 8), '"')};
}

}  // namespace left
