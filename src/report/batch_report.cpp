#include "report/batch_report.hpp"

#include <utility>

#include "journal/journal_format.hpp"
#include "json/writer.hpp"
#include "report/cause.hpp"

namespace report {

using ledger::Stage;

namespace {

// Of `recovery`. Between them stands one that says that some are left out.
constexpr std::size_t first_lines = 10;
constexpr std::size_t last_lines = 40;

DestinationState state_at(Stage stage) {
  switch (stage) {
    case Stage::none:
      break;
    case Stage::starting:
      return DestinationState::starting;
    case Stage::started:
      return DestinationState::started;
    case Stage::completing:
      return DestinationState::completing;
    case Stage::completed:
      return DestinationState::secured;
  }
  return DestinationState::waiting;
}

void write_brief_error(json::Writer& out, const util::Error& error) {
  out.key("error").object().field("code", error.code).field("message", error.message).end();
}

/// Only as long as there is, or may be, the channel.
bool shows_policy(const DestinationReport& destination) {
  return destination.policy && destination.state != DestinationState::failed &&
         destination.state != DestinationState::undone;
}

void write_channel(json::Writer& out, const bitcoin::Outpoint& outpoint) {
  const auto outnum = static_cast<std::uint16_t>(outpoint.vout);
  out.field("channel_id", lightningd::v1_channel_id(outpoint.txid, outnum).hex()).field("outnum", outpoint.vout);
}

void write_destination(json::Writer& out, const DestinationReport& destination) {
  out.object().field("id", destination.id.hex()).field("amount_msat", bitcoin::to_msat(destination.amount).value);
  out.field("state", name_of(destination.state));
  if (!destination.memo.empty()) out.field("memo", destination.memo);
  if (destination.outpoint) write_channel(out, *destination.outpoint);
  if (shows_policy(destination)) write_policy(out, *destination.policy);
  if (destination.failure) {
    out.field("method", name_of(destination.failure->method));
    write_brief_error(out, destination.failure->error);
    out.field("cause", name_of(cause_of(name_of(destination.failure->method), destination.failure->error)));
  }
  out.end();
}

void write_told(json::Writer& out, const ledger::ToldInVain::Entries& told) {
  out.key("told_in_vain").array();
  for (const auto& [peer, entry] : told) {
    out.object().field("id", peer.hex()).field("txid", entry.channel.txid.hex()).field("outnum", entry.channel.vout);
    if (const auto until = entry.until()) out.field("until_block", *until);
    out.end();
  }
  out.end();
}

void write_report(json::Writer& out, const BatchReport& report) {
  out.object().field("batch", report.id);
  if (!report.label.empty()) out.field("label", report.label);
  out.field("begun", report.begun).field("state", name_of(report.state));
  if (!report.phase.empty()) out.field("phase", report.phase);
  if (report.txid) out.field("txid", report.txid->hex());
  if (report.deadline && report.state == BatchState::waiting) out.field("deadline_block", *report.deadline);
  out.key("destinations").array();
  for (const auto& destination : report.destinations) write_destination(out, destination);
  out.end();
  write_outputs(out, report.payments);
  if (report.error) write_brief_error(out, *report.error);
  if (!report.recovery.empty()) out.list("recovery", report.recovery);
  out.end();
}

}  // namespace

void BatchReport::opened() {
  state = BatchState::opened;
  for (auto& destination : destinations) {
    if (!destination.failure)
      destination.state = destination.outpoint ? DestinationState::opened : DestinationState::undone;
  }
}

void BatchReport::undone(BatchState batch_state) {
  state = batch_state;
  for (auto& destination : destinations) {
    if (!destination.failure) destination.state = DestinationState::undone;
  }
}

void BatchReport::take_policies(const ledger::Ledger& ledger) {
  for (std::size_t i = 0; i < destinations.size(); ++i) {
    if (destinations[i].outpoint) destinations[i].policy = ledger.openings[i]->policy;
  }
}

void BatchReport::recovered(std::string line) {
  if (!recovery.empty() && recovery.back() == line) return;
  if (recovery.size() == first_lines + last_lines) {
    recovery.erase(recovery.begin() + first_lines);
    recovery[first_lines] = "...";
  }
  recovery.push_back(std::move(line));
}

void BatchReport::drop_data() {
  if (error) error->data.clear();
  for (auto& destination : destinations) {
    if (destination.failure) destination.failure->error.data.clear();
  }
}

std::size_t BatchReport::size() const {
  std::size_t bytes = sizeof *this + destinations.size() * sizeof(DestinationReport);
  if (error) bytes += error->message.size() + error->data.size();
  for (const auto& payment : payments) {
    bytes += sizeof payment + payment.address.size() + payment.script.size() + payment.label.size();
  }
  for (const auto& line : recovery) bytes += sizeof line + line.size();
  for (const auto& destination : destinations) {
    bytes += destination.memo.size();
    if (destination.failure)
      bytes += destination.failure->error.message.size() + destination.failure->error.data.size();
    if (!destination.policy) continue;
    if (destination.policy->error) bytes += destination.policy->error->message.size();
    for (const auto& warning : destination.policy->warnings) bytes += sizeof warning + warning.size();
  }
  return bytes;
}

BatchReport report_on(const ledger::Ledger& ledger) {
  BatchReport report;
  report.id = ledger.id;
  if (ledger.user_label) report.label = ledger.user_label->text;
  report.begun = ledger.begun;
  report.inquiry = ledger.inquiry;
  report.phase = name_of(ledger.phase);
  if (ledger.plan) {
    report.txid = ledger.plan->txid;
    report.payments = ledger.plan->payments;
  }
  if (ledger.plan && ledger.plan->waits_since > 0) {
    report.deadline = ledger.plan->waits_since + ledger::ToldInVain::kept_for;
  }
  for (std::size_t i = 0; i < ledger.openings.size(); ++i) {
    const auto& opening = *ledger.openings[i];
    DestinationReport destination{opening.peer, opening.planned, state_at(opening.stage), {}, {}, {}, opening.memo};
    destination.outpoint = ledger.outpoint_of(i);
    report.destinations.push_back(std::move(destination));
  }
  report.take_policies(ledger);
  return report;
}

std::string to_json(const BatchReport& report) {
  json::Writer out;
  write_report(out, report);
  return out.take();
}

std::string finished_json(const BatchReport& report) {
  json::Writer out;
  out.object().field("batch", report.id);
  if (report.txid) out.field("txid", report.txid->hex());
  out.key("channel_ids").array();
  for (const auto& destination : report.destinations) {
    if (!destination.outpoint || destination.failure) continue;
    out.object().field("id", destination.id.hex());
    write_channel(out, *destination.outpoint);
    out.end();
  }
  return out.end().end().take();
}

void write_policy(json::Writer& out, const request::PolicyRecord& policy) {
  out.key("policy").object().field("applied", policy.state == request::PolicyRecord::State::applied);
  if (policy.error) write_brief_error(out, *policy.error);
  if (!policy.warnings.empty()) out.list("warnings", policy.warnings);
  out.end();
}

void write_outputs(json::Writer& out, const std::vector<ledger::PaymentRecord>& payments) {
  if (payments.empty()) return;
  out.key("outputs").array();
  for (const auto& payment : payments) {
    out.object().field("address", payment.address).field("amount_msat", bitcoin::to_msat(payment.amount).value);
    if (payment.outnum) out.field("outnum", *payment.outnum);
    if (!payment.label.empty()) out.field("label", payment.label);
    out.end();
  }
  out.end();
}

std::string to_json(const std::vector<BatchReport>& reports, const ledger::ToldInVain::Entries& told,
                    std::string_view bumps) {
  json::Writer out;
  out.object().key("batches").array();
  for (const auto& report : reports) write_report(out, report);
  out.end();
  if (!told.empty()) write_told(out, told);
  if (!bumps.empty()) out.raw_field("bumps", bumps);
  return out.end().take();
}

}  // namespace report
