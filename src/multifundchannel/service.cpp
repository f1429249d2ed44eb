#include "multifundchannel/service.hpp"

#include <algorithm>
#include <utility>

#include "funding/journal_format.hpp"
#include "funding/request.hpp"
#include "json/writer.hpp"
#include "multifundchannel/local_call.hpp"
#include "multifundchannel/trace.hpp"
#include "util/log.hpp"
#include "util/mutation.hpp"

namespace multifundchannel {

using lightningd::StoredText;
using util::Error;
using util::Result;
using util::str;

namespace {

/// Of ended batches that listmultifundchannels shows; the oldest go first.
constexpr std::size_t ended_limit = 1000;

Error shutting_down() { return Error{-1, "lightningd is shutting down", {}}; }

Error unknown_batch(const std::string& batch) {
  return Error{lightningd::code::invalid_params, str("batch: there is none with the id ", batch), {}};
}

/// What is given up with a record that is being settled, for the user to decide.
std::vector<std::string> losses_of(const BatchReport& report, const funding::Ledger& ledger) {
  std::vector<std::string> losses;
  for (const auto& [outpoint, height] : ledger.reservation.heights) {
    losses.push_back(
        str("input ", outpoint.str(), " may stay reserved until block ", height + ledger.reservation.most_blocks()));
  }
  for (const auto& destination : report.destinations) {
    const auto what = destination.outpoint ? str("channel ", destination.outpoint->str()) : std::string("opening");
    losses.push_back(str(what, " with ", destination.id.hex(), " is neither completed nor removed"));
  }
  for (const auto& destination : report.destinations) {
    if (!destination.policy || destination.policy->state != funding::PolicyRecord::State::pending) continue;
    losses.push_back(str("the policy of channel ", destination.outpoint->str(), " is not set"));
  }
  if (ledger.phase == funding::BatchPhase::sending && report.txid) {
    losses.push_back(str("transaction ", report.txid->hex(),
                         " may have been sent; it is not sent again. Do not spend its inputs before you know"));
  }
  return losses;
}

/// The answer of multifundchannel-forget.
std::string forget_json(const std::string& batch, const std::string& state, const std::vector<std::string>& gives_up,
                        bool forgotten) {
  json::Writer out;
  out.object().field("batch", batch).field("forgotten", forgotten).field("state", state);
  out.key("gives_up").array();
  for (const auto& loss : gives_up) out.value(loss);
  return out.end().end().take();
}

std::string forget_json(const Settlement& settlement, bool forgotten) {
  const auto& report = settlement.report();
  return forget_json(report.id, report.state, losses_of(report, *settlement.ledger()), forgotten);
}

}  // namespace

Service::Service(spark::Runtime& runtime, jsonrpc::Caller& caller, const NodeFacts& node, const Settings& settings,
                 std::uint64_t seed, std::function<std::int64_t()> unix_time, util::Files* files)
    : runtime_(runtime),
      caller_(caller),
      node_(node),
      settings_(settings),
      random_(seed),
      unix_time_(std::move(unix_time)),
      files_(files),
      connects_(runtime, settings.max_connects),
      last_number_(random_() % 100),  // not that of the last process: see run()
      scope_(runtime, nullptr) {}

void Service::settings_changed() { connects_.set_limit(settings_.max_connects); }

// --- Batches from before the start ---

void Service::recover() {
  if (util::mutated("does-not-recover")) return recovered();
  scope_.after(settings_.recovery_patience, [this] { recovered(); });
  read_journal();
  read_again_later();
}

// What a killed process had written, or what was lost with a connection, lightningd may carry out
// later: a record, too.
void Service::read_again_later() {
  for (const auto delay : settings_.read_again) {
    scope_.after(delay, [this] { read_journal(); });
  }
}

void Service::read_journal() {
  const lightningd::Client client(caller_, "");
  client.listdatastore(journal_key(),
                       local_call<std::vector<StoredText>>(
                           scope_, settings_, "listdatastore", [this](const Result<std::vector<StoredText>>& records) {
                             if (records) return found(*records);
                             util::warn("can not read the journal yet: ", records.error().message);
                             scope_.after(settings_.settle_delay, [this] { read_journal(); });
                           }));
}

void Service::found(const std::vector<StoredText>& records) {
  for (const auto& record : records) found(record);
  if (to_look_at_ == 0) recovered();
}

void Service::found(const StoredText& record) {
  if (record.key.size() != journal_key().size() + 1) return;
  const std::string& id = record.key.back();
  if (is_taken_care_of(id)) return;
  auto ledger = record.text ? funding::read_ledger(*record.text)
                            : Result<std::shared_ptr<funding::Ledger>>(Error{-1, "no text", {}});
  if (ledger && (*ledger)->id != id) ledger = Error{-1, "it is the record of another batch", {}};
  if (!is_batch_id(id)) ledger = Error{-1, "its key is not the id of a batch", {}};
  if (!ledger) {
    util::warn("batch ", id, ": its record is kept but not acted on: ", ledger.error().message);
    unreadable_[id] = ledger.error().message;
    return;
  }
  util::info("batch ", id.substr(0, 8), ": left in the phase ", funding::name_of((*ledger)->phase), ", settling it");
  const lightningd::Client client(caller_, "");
  auto report = report_on(**ledger);
  auto journal = std::make_shared<Journal>(client, settings_, id, record.generation);
  ++to_look_at_;
  settle(id,
         std::make_unique<Settlement>(runtime_, client, settings_, book_, node_, *ledger, std::move(journal),
                                      std::move(report)),
         settings_.settle_delay, [this] { looked(); });
}

bool Service::is_taken_care_of(const std::string& id) const {
  return runs_.contains(id) || settlements_.contains(id) || unreadable_.contains(id);
}

void Service::looked() {
  if (--to_look_at_ == 0) recovered();
}

void Service::recovered() {
  recovered_ = true;
  for (auto& command : std::exchange(waiting_, {})) command();
}

void Service::settle(const std::string& id, std::unique_ptr<Settlement> settlement, spark::Duration delay,
                     util::Function<void()> looked) {
  auto& running = settlements_[id];
  running = std::move(settlement);
  running->run(delay, std::move(looked), [this, id] { settled(id); });
}

void Service::settled(const std::string& id) {
  const auto node = settlements_.extract(id);
  if (node.empty()) return;  // the node ends, or the plugin is stopped, in this very moment
  const auto& settlement = node.mapped();
  // A record that came late, of a batch that has its end already, changes nothing about that.
  const auto same = [&id](const BatchReport& report) { return report.id == id; };
  if (std::none_of(ended_.begin(), ended_.end(), same)) end(settlement->report());
}

void Service::end(BatchReport report) {
  ended_.push_back(std::move(report));
  if (ended_.size() > ended_limit) ended_.erase(ended_.begin());
}

// --- Commands ---

void Service::multifundchannel(plugin::Command command, const json::Value& params) {
  auto request = funding::parse_request(params);
  if (!request) return command.fail(request.error());
  auto start = [this, command = std::move(command), request = std::move(*request)]() mutable {
    if (idle_) return command.fail(shutting_down());
    request.dryrun ? preview(std::move(command), std::move(request)) : run(std::move(command), std::move(request));
  };
  if (recovered_) return start();
  waiting_.push_back(std::move(start));
}

void Service::run(plugin::Command command, funding::Request request) {
  Settings settings = settings_;
  if (request.peer_timeout_seconds) settings.peer_timeout = std::chrono::seconds(*request.peer_timeout_seconds);
  const auto number = ++last_number_;
  // Inputs are known to be ours by the height that they are reserved to: no two batches share one.
  settings.longer_reservation += static_cast<std::uint32_t>(number % 100);
  if (settings.dry_run == DryRun::txprepare) settings.first_reservation += static_cast<std::uint32_t>(number % 12);
  auto watch = std::make_unique<BatchWatch>(runtime_, request.destinations);
  lightningd::Client client(caller_, command.raw_id(), watch->timeline());
  auto ledger = std::make_shared<funding::Ledger>();
  ledger->id = new_id();
  ledger->begun = unix_time_();
  const auto id = ledger->id;
  auto journal = std::make_shared<Journal>(client, settings, id);
  auto batch = std::make_unique<Batch>(runtime_, client, settings, connects_, book_, node_, std::move(request),
                                       str("batch ", id.substr(0, 8)), *watch, std::move(ledger), journal, random_());
  auto& run = runs_[id];
  run = std::make_unique<CommandRun>(runtime_, client, settings, book_, std::move(command), std::move(watch),
                                     std::move(batch), std::move(journal));
  run->run([this, id](bool settled) { finished(id, settled); });
}

void Service::finished(const std::string& id, bool settled) {
  if (!runs_.contains(id)) return;  // left, when the node stopped
  const auto run = std::move(runs_.extract(id).mapped());
  write_trace(*run);
  if (settled) {
    end(run->report());
    if (run->journal()->in_doubt()) read_again_later();
  } else if (!idle_) {
    settle(id,
           std::make_unique<Settlement>(runtime_, lightningd::Client(caller_, ""), settings_, book_, node_,
                                        run->ledger(), run->journal(), run->report()),
           settings_.settle_pause, nullptr);
  }
  end_if_idle();
}

void Service::end_if_idle() {
  if (idle_ && runs_.empty() && previews_.empty()) std::exchange(idle_, nullptr)();
}

void Service::preview(plugin::Command command, funding::Request request) {
  Settings settings = settings_;
  if (request.peer_timeout_seconds) settings.peer_timeout = std::chrono::seconds(*request.peer_timeout_seconds);
  auto preview = std::make_unique<Preview>(runtime_, lightningd::Client(caller_, command.raw_id()), settings, connects_,
                                           book_, node_, std::move(request));
  previews_.start(std::move(preview), std::move(command), [this] { end_if_idle(); });
}

void Service::write_trace(const CommandRun& run) {
  if (settings_.trace_dir.empty()) return;
  const auto& ledger = *run.ledger();
  const auto path = str(settings_.trace_dir, '/', trace_file_name(ledger.id));
  files_->write_file(path, trace_json(run.timeline(), ledger.id, ledger.begun), [](const Result<void>& written) {
    if (!written) util::warn("trace: ", written.error().message);
  });
}

std::string Service::new_id() {
  util::Bytes bytes;
  for (int i = 0; i < 16; ++i) bytes.push_back(static_cast<std::uint8_t>(random_()));
  return util::to_hex(bytes);
}

// --- Listing and forgetting ---

std::vector<BatchReport> Service::reports() const {
  std::vector<BatchReport> reports = ended_;
  for (const auto& [id, run] : runs_) reports.push_back(run->report());
  for (const auto& [id, settlement] : settlements_) reports.push_back(settlement->report());
  for (const auto& [id, why] : unreadable_) {
    BatchReport report;
    report.id = id;
    report.state = "unsettled";
    report.recovery = {str("its record is kept but not acted on: ", why)};
    reports.push_back(std::move(report));
  }
  std::stable_sort(reports.begin(), reports.end(), [](const auto& a, const auto& b) { return a.begun < b.begun; });
  return reports;
}

void Service::list(plugin::Command command, const std::optional<std::string>& batch) {
  auto all = reports();
  if (batch) std::erase_if(all, [&batch](const BatchReport& report) { return report.id != *batch; });
  if (batch && all.empty()) return command.fail(unknown_batch(*batch));
  command.succeed(to_json(all));
}

void Service::forget(plugin::Command command, const std::string& batch, bool confirmed) {
  if (unreadable_.contains(batch)) return forget_unreadable(std::move(command), batch, confirmed);
  if (runs_.contains(batch)) {
    return command.fail(Error{-1, str("batch: ", batch, " is still running"), {}});
  }
  const auto found = settlements_.find(batch);
  if (found == settlements_.end()) return command.fail(unknown_batch(batch));
  auto& settlement = *found->second;
  if (!confirmed) return command.succeed(forget_json(settlement, false));
  // From now on it neither sends nor undoes anything: that is what the caller was shown to give up.
  settlement.stop();
  settlement.journal()->remove(scope_, [this, batch, command = std::move(command)](const Result<void>& done) mutable {
    const auto node = settlements_.extract(batch);
    if (node.empty()) return command.fail(unknown_batch(batch));  // forgotten by somebody else meanwhile
    const auto& stopped = *node.mapped();
    if (!done) {
      settle_again(stopped);
      return command.fail(done.error());
    }
    command.succeed(forget_json(stopped, true));
    end(stopped.report());
    ended_.back().state = "forgotten";
  });
}

void Service::settle_again(const Settlement& stopped) {
  settle(stopped.report().id,
         std::make_unique<Settlement>(runtime_, lightningd::Client(caller_, ""), settings_, book_, node_,
                                      stopped.ledger(), stopped.journal(), stopped.report()),
         settings_.settle_pause, nullptr);
}

void Service::forget_unreadable(plugin::Command command, const std::string& batch, bool confirmed) {
  auto answer = [batch, why = unreadable_.at(batch)](bool forgotten) {
    return forget_json(batch, "unsettled", {str("a record that this plugin can not read: ", why)}, forgotten);
  };
  if (!confirmed) return command.succeed(answer(false));
  auto removed = [this, batch, answer, command = std::move(command)](const Result<void>& done) mutable {
    if (!done) return command.fail(done.error());
    unreadable_.erase(batch);
    command.succeed(answer(true));
  };
  const lightningd::Client client(caller_, command.raw_id());
  client.deldatastore(journal_key(batch), local_call<void>(scope_, settings_, "deldatastore", std::move(removed)));
}

// --- The end ---

void Service::leave() {
  settlements_.clear();
  for (const auto& [id, run] : runs_) run->leave();
  runs_.clear();
  previews_.leave(shutting_down());
}

void Service::shut_down(spark::Duration limit, util::Function<void()> done) {
  settlements_.clear();  // their records stay for the next start
  if (runs_.empty() && previews_.empty()) return done();
  idle_ = std::move(done);
  util::info("shutting down: ", runs_.size(), " batches are undone first");
  runtime_.start_timer(limit, [this] {
    if (!idle_) return;
    util::warn("shutting down: ", runs_.size(), " batches could not be undone in time");
    std::exchange(idle_, nullptr)();
  });
  for (const auto& [id, run] : runs_) run->abort(shutting_down());
  previews_.abort(shutting_down());
}

}  // namespace multifundchannel
