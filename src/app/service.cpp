#include "app/service.hpp"

#include <algorithm>
#include <utility>

#include "context/calls.hpp"
#include "report/trace.hpp"
#include "request/request.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace app {

using lightningd::StoredText;
using util::Error;
using util::Result;
using util::str;

namespace {

Error shutting_down() { return Error{-1, "lightningd is shutting down", {}}; }

Error still_running(const std::string& batch) { return Error{-1, str("batch: ", batch, " is still running"), {}}; }

}  // namespace

Service::Service(spark::Runtime& runtime, jsonrpc::Caller& caller, Surroundings given)
    : runtime_(runtime),
      caller_(caller),
      node_(given.node),
      settings_(given.settings),
      random_(given.seed),
      unix_time_(std::move(given.unix_time)),
      files_(given.files),
      announcer_(std::move(given.announce)),
      seals_(runtime, lightningd::Client(caller, ""), settings_),
      reader_(runtime, *this, settings_, seals_),
      told_(runtime, lightningd::Client(caller, ""), settings_, seals_),
      connects_(runtime, settings_.max_connects),
      left_({runtime, settings_, connects_, book_, node_, announcer_}, caller, settings_),
      labels_(runtime, lightningd::Client(caller, ""), settings_, seals_),
      last_number_(random_() % 100),  // not that of the last process: see run()
      labelled_(
          labels_, left_, [this](const std::string& id) { return runs_.contains(id) ? runs_.at(id).get() : nullptr; },
          [this](const std::string& id) { return forgetting_.forgets(id); }),
      inquiries_(
          {caller, seals_, left_,
           [this](const auto& client, const auto& batch, const auto& seal) { return new_batch(client, batch, seal); },
           [this](bool in_doubt) { asked(in_doubt); }}),
      finishing_(left_, [this](const std::string& id) { labelled_.sent(id); }),
      forgetting_(left_),
      aborting_(left_, [this](const bitcoin::Txid& txid) { return bumping_.fee_of(txid); }),
      bumping_({runtime, caller, settings_, seals_, [this](const auto& id) { return why_not_bumped(id, left_); }}),
      scope_(runtime, nullptr) {
  left_.when_ended([this](const report::BatchReport& report) { labelled_.ended(report); });
}

void Service::block_added(std::uint32_t height) {
  book_.told_in_vain().set_height(height);
  for (const auto& [id, run] : runs_) run->block_added(height);
  left_.block_added();
  bumping_.block_added(height);
}

void Service::settings_changed() { connects_.set_limit(settings_.max_connects); }

// --- Batches from before the start ---

void Service::recover(bool node_known) {
  if (!node_known) return ask_for_withhold();
  scope_.after(settings_.recovery_patience, [this] { recovered(); });
  told_.keep(book_.told_in_vain());
  labels_.read([this](const std::string& id) { return runs_.contains(id) || left_.has_record(id); });
  bumping_.read();
  read_journal();
  read_again_later();
}

// Without an answer it goes on as on a lightningd that does not know it.
void Service::ask_for_withhold() {
  const lightningd::Client client(caller_, "");
  auto told = [this](const Result<std::string>& usage) {
    node_.withhold = usage && usage->find("withhold") != std::string::npos;
    util::info("lightningd's version does not tell whether it can withhold channels; by its help it can",
               node_.withhold ? "" : "not", usage ? "" : str(": ", usage.error().message));
    recover(true);
  };
  client.usage("fundchannel_complete",
               context::Calls{scope_, client, settings_}.local<std::string>("help", std::move(told)));
}

// What a killed process had written, or what was lost with a connection, lightningd may carry out
// later: a record, too.
void Service::read_again_later() {
  for (const auto delay : settings_.read_again) {
    scope_.after(delay, [this] { read_journal(); });
  }
}

void Service::read_journal() { reader_.read(lightningd::Client(caller_, "")); }

void Service::found(const StoredText& record, const journal::SealSource::Seal& seal) {
  if (end_) return;
  const std::string& id = record.key.back();
  const auto ledger = journal::open_record(record, *seal);
  if (!ledger) return unreadable(id, ledger.error().message);
  // What a lost call has written may come late; but what peers were told the outpoints by was answered.
  if ((*ledger)->plan && left_.has_ended(id)) {
    return unreadable(id, "the batch has ended: another program has put it back");
  }
  util::info(ledger::label_of(id), ": left in the phase ", name_of((*ledger)->phase), ", settling it");
  auto report = report::report_on(**ledger);
  auto journal = std::make_shared<journal::Journal>(journal::Journal(left_.client_of(id), settings_, id, seal),
                                                    record.generation, (*ledger)->phase);
  labelled_.begin(**ledger, journal);
  ++to_look_at_;
  left_.settle({*ledger, std::move(journal)}, std::move(report), settings_.settle_delay, [this] { looked(); });
}

void Service::unreadable(const std::string& id, const std::string& why) { left_.add_unreadable(id, why); }

void Service::journal_read() {
  left_.all_read();
  labelled_.all_read();
  if (to_look_at_ == 0) recovered();
}

bool Service::is_taken_care_of(const std::string& id) const {
  return runs_.contains(id) || inquiries_.contains(id) || left_.has_record(id);
}

void Service::looked() {
  if (--to_look_at_ == 0) recovered();
}

void Service::recovered() {
  recovered_ = true;
  for (auto& command : std::exchange(waiting_, {})) command();
}

peers::Process Service::process(const context::Settings& settings) {
  return {runtime_, settings, connects_, book_, node_, announcer_};
}

// --- Commands ---

void Service::open(plugin::Command command, request::Request request) {
  auto start = [this, command = std::move(command), request = std::move(request)]() mutable {
    if (end_) return command.fail(*end_);
    if (request.waits() && !node_.withhold) return command.fail(left::Finishing::cannot_wait());
    const bool opens = request.dryrun == request::Request::DryRun::no;
    opens ? run(std::move(command), std::move(request)) : preview(std::move(command), std::move(request));
  };
  if (recovered_) return start();
  waiting_.push_back(std::move(start));
}

// Nothing is done that could not be recorded.
void Service::run(plugin::Command command, request::Request request) {
  seals_.get([this, command = std::move(command),
              request = std::move(request)](const Result<journal::SealSource::Seal>& seal) mutable {
    if (end_) return command.fail(shutting_down());
    if (!seal) return command.fail(seal.error());
    run(std::move(command), std::move(request), *seal);
  });
}

void Service::run(plugin::Command command, request::Request request, const journal::SealSource::Seal& seal) {
  if (labelled_.takes(command, request)) return;
  context::Settings settings = settings_;
  if (request.peer_timeout_seconds) settings.peer_timeout = std::chrono::seconds(*request.peer_timeout_seconds);
  settings.tell_apart(++last_number_);
  auto watch = std::make_unique<report::BatchWatch>(runtime_, request.destinations);
  lightningd::Client client(caller_, command.raw_id(), watch->timeline());
  auto kept = new_batch(client, settings, seal);
  const auto id = kept.ledger->id;
  kept.ledger->labelled(request.label);
  labelled_.begin(*kept.ledger, kept.journal);
  const auto process = this->process(settings);
  auto keep = [this, id](const std::string& answer, auto then) { labelled_.will_wait(id, answer, std::move(then)); };
  batch::Batch::Order order{std::move(request), *watch, random_(), std::move(keep)};
  auto batch = std::make_unique<batch::Batch>(process, client, std::move(order), kept);
  auto& run = runs_[id];
  run = std::make_unique<batch::CommandRun>(
      process, client,
      batch::CommandRun::Parts{std::move(command), std::move(watch), std::move(batch), std::move(kept.journal)});
  run->run([this, id](bool settled) { finished(id, settled); });
}

journal::Kept Service::new_batch(const lightningd::Client& client, const context::Settings& settings,
                                 const journal::SealSource::Seal& seal) {
  auto ledger = std::make_shared<ledger::Ledger>(new_id(), unix_time_());
  auto journal = std::make_shared<journal::Journal>(client, settings, ledger->id, seal);
  return {std::move(ledger), std::move(journal)};
}

void Service::finished(const std::string& id, bool settled) {
  if (!runs_.contains(id)) return;  // left, when the node stopped
  const auto run = std::move(runs_.extract(id).mapped());
  if (!settings_.trace_dir.empty()) report::write_trace(*files_, settings_.trace_dir, run->timeline(), *run->ledger());
  if (settled) {
    left_.add_ended(run->report());
    if (run->journal()->in_doubt()) read_again_later();
  } else if (!idle_) {
    left_.settle({run->ledger(), run->journal()}, run->report(), settings_.settle_pause, nullptr);
  }
  labelled_.finished(*run);  // it is known by then who has it now
  end_if_idle();
}

void Service::end_if_idle() {
  if (idle_ && runs_.empty() && inquiries_.empty() && previews_.empty()) std::exchange(idle_, nullptr)();
}

void Service::preview(plugin::Command command, request::Request request) {
  if (labelled_.takes(command, request)) return;
  context::Settings settings = settings_;
  if (request.peer_timeout_seconds) settings.peer_timeout = std::chrono::seconds(*request.peer_timeout_seconds);
  const auto process = this->process(settings);
  auto ask = [this, process, origin = command.raw_id()](preview::Inquiry::Order order, auto then) {
    inquiries_.start(process, origin, std::move(order), std::move(then));
  };
  auto preview = std::make_unique<preview::Preview>(process, lightningd::Client(caller_, command.raw_id()),
                                                    std::move(request), std::move(ask));
  previews_.start(std::move(preview), std::move(command), [this] { end_if_idle(); });
}

void Service::asked(bool in_doubt) {
  if (in_doubt) read_again_later();
  end_if_idle();
}

std::string Service::new_id() {
  util::Bytes bytes;
  for (int i = 0; i < 16; ++i) bytes.push_back(static_cast<std::uint8_t>(random_()));
  return util::to_hex(bytes);
}

void Service::list(plugin::Command command, const std::optional<std::string>& batch) {
  std::vector<report::BatchReport> running;
  for (const auto& [id, run] : runs_) running.push_back(run->report());
  auto all = left_.reports(std::move(running));
  if (batch) std::erase_if(all, [&batch](const report::BatchReport& report) { return report.id != *batch; });
  if (batch && all.empty()) return command.fail(left::LeftBatches::unknown(*batch));
  command.succeed(
      report::to_json(all, batch ? ledger::ToldInVain::Entries() : book_.told_in_vain().all(), bumping_.list(batch)));
}

void Service::about(plugin::Command command, const std::string& batch, util::Function<void(plugin::Command)> act) {
  if (!recovered_) {
    return waiting_.push_back([this, c = std::move(command), batch, act = std::move(act)]() mutable {
      about(std::move(c), batch, std::move(act));
    });
  }
  if (end_) return command.fail(*end_);
  if (runs_.contains(batch)) return command.fail(still_running(batch));
  act(std::move(command));
}

// --- The end ---

void Service::leave() {
  end_ = shutting_down();
  recovered();  // so that who waits for it is answered
  left_.leave();
  for (const auto& [id, run] : runs_) run->leave();
  runs_.clear();
  inquiries_.leave();
  previews_.leave(shutting_down());
  bumping_.leave(shutting_down());
}

void Service::shut_down(spark::Duration limit, util::Function<void()> done) {
  end_ = Error{-1, "the plugin was stopped", {}};
  recovered();
  left_.leave();
  bumping_.leave(*end_);
  if (runs_.empty() && inquiries_.empty() && previews_.empty()) return done();
  idle_ = std::move(done);
  util::info("stopping: ", runs_.size(), " batches are undone first");
  runtime_.start_timer(limit, [this] {
    if (!idle_) return;
    util::warn("stopping: ", runs_.size(), " batches could not be undone in time");
    std::exchange(idle_, nullptr)();
  });
  for (const auto& [id, run] : runs_) run->stop();
  inquiries_.stop();
  previews_.abort(*end_);
}

}  // namespace app
