#include "journal/journal_format.hpp"

#include <array>
#include <utility>

#include "journal/abort_format.hpp"
#include "journal/payment_format.hpp"
#include "journal/record_check.hpp"
#include "json/optional_fields.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "psbt/psbt.hpp"
#include "util/str.hpp"

namespace journal {

using bitcoin::Outpoint;
using bitcoin::Sat;
using json::read_flag;
using json::read_number;
using json::read_u32;
using util::Error;
using util::Result;
using util::str;

namespace {

void write_reservation(json::Writer& out, const ledger::ReservationRecord& reservation) {
  out.field("blocks", reservation.blocks).field("more_blocks", reservation.doubtful_blocks);
  if (reservation.sent_blocks > 0) out.field("sent_blocks", reservation.sent_blocks);
  if (reservation.renewed_at) out.field("renewed_at", *reservation.renewed_at);
  if (const auto& prepared = reservation.prepared) {
    out.key("prepared").object().field("height", prepared->height).field("latest", prepared->latest);
    out.field("kept", prepared->kept);
    if (prepared->txid) out.field("txid", prepared->txid->hex());
    out.end();
  }
  out.key("inputs").object();
  for (const auto& [outpoint, height] : reservation.heights) out.field(outpoint.str(), height);
  out.end();
}

void write_policy(json::Writer& out, const lightningd::ChannelPolicy& policy) {
  out.key("policy").object();
  if (policy.feebase) out.field("feebase", policy.feebase->value);
  if (policy.feeppm) out.field("feeppm", *policy.feeppm);
  if (policy.htlcmin) out.field("htlcmin", policy.htlcmin->value);
  if (policy.htlcmax) out.field("htlcmax", policy.htlcmax->value);
  out.end();
}

void write_opening(json::Writer& out, const ledger::OpeningRecord& opening, std::optional<std::uint32_t> outnum) {
  out.object().field("id", opening.peer.hex()).field("sat", opening.planned.value);
  out.key("told_sat").array();
  if (opening.stage != ledger::Stage::none && opening.amount != opening.planned) out.value(opening.amount.value);
  for (const auto amount : opening.earlier) out.value(amount.value);
  out.end();
  if (outnum) out.field("outnum", *outnum);
  if (opening.keeps_told) out.field("keeps_told", true);
  if (!opening.memo.empty()) out.field("memo", opening.memo);
  // What is applied or refused need not be done again.
  if (opening.policy && opening.policy->state == request::PolicyRecord::State::pending) {
    write_policy(out, opening.policy->wanted);
  }
  out.end();
}

// --- Reading: the first error ends it; read_ledger() says whose record it was. ---

Error broken(const std::string& what) { return Error{-1, what, {}}; }

Result<ledger::BatchPhase> read_phase(const json::Value& root) {
  const auto name = root.string("phase");
  if (!name) return name.error();
  if (const auto phase = ledger::batch_phase_named(*name)) return *phase;
  return broken(str("phase: unknown: ", *name));
}

Result<ledger::PreparedRecord> read_prepared(const json::Value& value) {
  const auto height = read_u32(value, "height");
  const auto latest = read_u32(value, "latest");
  const auto kept = read_u32(value, "kept");
  if (!latest) return latest.error();
  if (!height) return height.error();
  if (!kept) return kept.error();
  ledger::PreparedRecord prepared{*height, *latest, *kept, {}};
  if (!value.find("txid")) return prepared;
  const auto hex = value.string("txid");
  if (!hex) return hex.error();
  prepared.txid = bitcoin::Txid::from_hex(*hex);
  if (!prepared.txid) return broken(str(value.path(), ".txid: not a txid"));
  return prepared;
}

Result<void> read_reservation(const json::Value& root, ledger::ReservationRecord& reservation) {
  const auto blocks = read_u32(root, "blocks");
  const auto more = read_u32(root, "more_blocks");
  if (!blocks) return blocks.error();
  if (!more) return more.error();
  reservation.blocks = *blocks;
  reservation.doubtful_blocks = *more;
  if (auto read = read_number(root, "sent_blocks", reservation.sent_blocks); !read) return read;
  if (root.find("renewed_at")) {
    const auto height = read_u32(root, "renewed_at");
    if (!height) return height.error();
    reservation.renewed_at = *height;
  }
  if (const auto prepared = root.find("prepared")) {
    const auto read = read_prepared(*prepared);
    if (!read) return read.error();
    reservation.prepared = *read;
  }
  const auto inputs = root.field("inputs");
  if (!inputs) return inputs.error();
  for (const auto& [name, value] : inputs->members()) {
    const auto outpoint = Outpoint::parse(name);
    const auto height = value.u32();
    if (!outpoint) return broken(str("inputs: not an outpoint: ", name));
    if (!height) return height.error();
    reservation.heights[*outpoint] = *height;
  }
  return {};
}

Result<lightningd::ChannelPolicy> read_policy(const json::Value& value) {
  lightningd::ChannelPolicy policy;
  for (const auto& [name, member] : value.members()) {
    const auto number = member.u64();
    if (!number) return number.error();
    if (name == "feebase") policy.feebase = bitcoin::Msat{*number};
    if (name == "feeppm" && *number > UINT32_MAX) return broken(str(member.path(), ": too large"));
    if (name == "feeppm") policy.feeppm = static_cast<std::uint32_t>(*number);
    if (name == "htlcmin") policy.htlcmin = bitcoin::Msat{*number};
    if (name == "htlcmax") policy.htlcmax = bitcoin::Msat{*number};
  }
  return policy;
}

Result<std::shared_ptr<ledger::OpeningRecord>> read_opening(const json::Value& value) {
  const auto id = value.string("id");
  const auto sat = value.u64("sat");
  if (!id) return id.error();
  if (!sat) return sat.error();
  const auto peer = lightningd::NodeId::from_hex(*id);
  if (!peer) return broken(str(value.path(), ".id: not a node id"));
  auto opening = std::make_shared<ledger::OpeningRecord>();
  opening->peer = *peer;
  opening->planned = Sat{*sat};
  opening->amount = Sat{*sat};
  const auto told = value.field("told_sat");
  if (!told) return told.error();
  for (const auto& element : told->elements()) {
    const auto amount = element.u64();
    if (!amount) return amount.error();
    opening->earlier.push_back(Sat{*amount});
  }
  if (auto read = read_flag(value, "keeps_told", opening->keeps_told); !read) return read.error();
  const auto memo = value.find("memo") ? value.string("memo") : Result<std::string_view>(std::string_view());
  if (!memo) return memo.error();
  opening->memo = *memo;
  // Records of earlier versions have none.
  if (const auto wanted = value.find("policy")) {
    const auto policy = read_policy(*wanted);
    if (!policy) return policy.error();
    opening->policy = request::PolicyRecord{*policy};
  }
  return opening;
}

Result<void> read_outnum(const json::Value& value, std::optional<ledger::FundingPlan>& plan) {
  if (!plan) return {};
  plan->outnums.emplace_back();
  return value.find("outnum") ? read_number(value, "outnum", plan->outnums.back().emplace()) : Result<void>();
}

Result<void> read_openings(const json::Value& root, ledger::Ledger& ledger) {
  const auto openings = root.field("destinations");
  if (!openings) return openings.error();
  for (const auto& value : openings->elements()) {
    auto opening = read_opening(value);
    if (!opening) return opening.error();
    if (auto read = read_outnum(value, ledger.plan); !read) return read;
    ledger.openings.push_back(std::move(*opening));
  }
  if (ledger.openings.empty()) return broken("destinations: none");
  return {};
}

Result<void> read_plan(const json::Value& root, ledger::Ledger& ledger) {
  if (ledger.phase < ledger::BatchPhase::completing) return {};
  const auto txid = root.string("txid");
  const auto text = root.string("psbt");
  if (!txid) return txid.error();
  if (!text) return text.error();
  const auto psbt = psbt::Psbt::from_base64(*text);
  if (!psbt) return broken(str("psbt: ", psbt.error().message));
  if (psbt->txid().hex() != *txid) return broken("psbt: its transaction has another txid");
  ledger.plan = ledger::FundingPlan{psbt->txid(), util::share(std::string(*text)), {}, {}};
  if (auto read = read_flag(root, "withheld", ledger.plan->withheld); !read) return read;
  if (auto read = read_flag(root, "users", ledger.plan->is_users); !read) return read;
  if (auto read = read_number(root, "users_weight", ledger.plan->users_weight); !read) return read;
  if (ledger.plan->is_users) {
    const auto fee = root.u64("users_fee");
    if (!fee) return fee.error();
    ledger.plan->users_fee = Sat{*fee};
  }
  if (auto read = read_number(root, "waits_since", ledger.plan->waits_since); !read) return read;
  auto payments = read_payments(root);
  if (!payments) return payments.error();
  ledger.plan->payments = std::move(*payments);
  if (!root.find("change")) return {};
  const auto change = root.string("change");
  if (!change) return change.error();
  ledger.plan->change = util::from_hex(*change);
  if (!ledger.plan->change) return broken("change: not a script");
  return {};
}

Result<void> read_label(const json::Value& root, ledger::Ledger& ledger) {
  if (!root.find("label")) return {};
  const auto text = root.string("label");
  const auto digest = root.string("digest");
  if (!text || !digest) return (text ? digest : text).error();
  ledger.user_label = request::UserLabel{std::string(*text), std::string(*digest)};
  return {};
}

Result<std::shared_ptr<ledger::Ledger>> read_content(const json::Value& root) {
  ledger::Ledger ledger;
  const auto id = root.string("batch");
  const auto begun = root.u64("begun");
  const auto phase = read_phase(root);
  if (!id) return id.error();
  if (!begun) return begun.error();
  if (!phase) return phase.error();
  ledger.id = std::string(*id);
  ledger.begun = static_cast<std::int64_t>(*begun);
  ledger.phase = *phase;
  if (auto read = read_flag(root, "inquiry", ledger.inquiry); !read) return read.error();
  if (auto read = read_label(root, ledger); !read) return read.error();
  if (auto read = read_plan(root, ledger); !read) return read.error();
  if (auto read = read_abort(root, ledger); !read) return read.error();
  if (auto read = read_reservation(root, ledger.reservation); !read) return read.error();
  if (auto read = read_openings(root, ledger); !read) return read.error();
  return ledger.doubted();
}

std::string write(const ledger::Ledger& ledger, AbortForm form) {
  json::Writer out;
  out.object().field("version", format_version).field("batch", ledger.id).field("begun", ledger.begun);
  if (const auto& label = ledger.user_label) out.field("label", label->text).field("digest", label->digest);
  if (ledger.inquiry) out.field("inquiry", true);
  out.field("phase", name_of(ledger.phase));
  write_reservation(out, ledger.reservation);
  out.key("destinations").array();
  for (std::size_t i = 0; i < ledger.openings.size(); ++i) {
    write_opening(out, *ledger.openings[i], ledger.plan ? ledger.plan->outnums[i] : std::nullopt);
  }
  out.end();
  if (ledger.abort) write_abort(out, *ledger.abort, form);
  if (const auto& plan = ledger.plan) {
    out.field("txid", plan->txid.hex()).field("psbt", *plan->psbt);
    if (plan->withheld) out.field("withheld", true);
    if (plan->is_users) {
      out.field("users", true).field("users_fee", plan->users_fee.value).field("users_weight", plan->users_weight);
    }
    if (plan->waits_since > 0) out.field("waits_since", plan->waits_since);
    if (plan->change) out.field("change", util::to_hex(*plan->change));
    write_payments(out, plan->payments);
  }
  return out.end().take();
}

/// Two members of one name, or one that nobody knows, would be lost silently.
bool is_as_written(const ledger::Ledger& ledger, std::string_view text) {
  if (write(ledger, AbortForm::list) == text) return true;
  return ledger.abort && ledger.abort->inputs.size() == 1 && write(ledger, AbortForm::single) == text;
}

}  // namespace

std::string write_ledger(const ledger::Ledger& ledger) { return write(ledger, AbortForm::list); }

Result<std::shared_ptr<ledger::Ledger>> read_ledger(std::string_view text) {
  const auto document = json::Document::parse(text, "record");
  if (!document) return broken(document.error().message);
  const auto version = document->root().u64("version");
  if (!version) return broken(version.error().message);
  if (*version != format_version) return broken(str("version: ", *version, ", known: ", format_version));
  auto ledger = read_content(document->root());
  if (!ledger) return broken(ledger.error().message);
  if (const auto checked = check_record(**ledger); !checked) return checked.error();
  if (!is_as_written(**ledger, text)) return broken("not as this plugin writes it");
  return ledger;
}

}  // namespace journal
