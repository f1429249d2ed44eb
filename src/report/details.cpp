#include "report/details.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "bitcoin/fees.hpp"
#include "json/value.hpp"
#include "report/cause.hpp"
#include "util/str.hpp"

namespace report {

using json::Writer;
using util::Error;
using util::str;

namespace {

/// What a peer's time goes into.
constexpr std::array peer_methods{PeerMethod::connect, PeerMethod::fundchannel_start, PeerMethod::fundchannel_complete};

/// A JSON number with `digits` behind the point; `value` counts the last of them.
std::string decimal(std::uint64_t value, std::size_t digits) {
  std::string text = std::to_string(value);
  if (text.size() <= digits) text.insert(0, digits + 1 - text.size(), '0');
  return text.insert(text.size() - digits, 1, '.');
}

std::string seconds(spark::Duration duration) { return decimal(static_cast<std::uint64_t>(duration.count()), 3); }

/// The method that the error is about, which changes what its code means.
std::string method_in(const json::Value& data) {
  const auto method = data.find("method");
  const auto text = method ? method->string() : util::Result<std::string_view>(std::string_view());
  return text ? std::string(*text) : std::string();
}

}  // namespace

void write_cost(Writer& out, const bitcoin::Cost& cost) {
  out.field("fee_msat", bitcoin::to_msat(cost.fee).value).field("weight", cost.weight);
  out.key("feerate").object().field("perkw", cost.feerate.value);
  out.raw_field("sat_per_vbyte", decimal(std::uint64_t{cost.feerate.value} * 4, 3)).end();
}

void write_left_out(Writer& out, const std::vector<funding::Coin>& coins) {
  if (coins.empty()) return;
  out.key("left_out").array();
  for (const auto& coin : coins) {
    out.object().field("outpoint", coin.outpoint.str()).field("amount_msat", bitcoin::to_msat(coin.amount).value);
    out.end();
  }
  out.end();
}

void Details::write_batch(Writer& out, const funding::FundingTransaction& transaction) const {
  const auto& cost = transaction.cost;
  write_cost(out, cost);
  if (transaction.change_outnum) {
    const bitcoin::Outpoint change{transaction.txid, *transaction.change_outnum};
    out.key("change").object().field("outpoint", change.str());
    out.field("amount_msat", bitcoin::to_msat(cost.change).value).end();
  }
  write_left_out(out, left_out_);
  if (!warnings_.empty()) out.list("warnings", warnings_);
  out.field("batch", batch_);
  write_seconds(out);
}

void Details::write_channel(Writer& out, std::size_t destination, const ledger::OpeningRecord& opening) const {
  write_peer(out, destination);
  if (opening.policy) write_policy(out, *opening.policy);
}

void Details::write_peer(Writer& out, std::size_t destination) const {
  const auto times = timeline_->of_peer(destination);
  out.key("seconds").object();
  for (const auto method : peer_methods) {
    const auto time = times.find(name_of(method));
    if (time != times.end()) out.raw_field(name_of(method), seconds(time->second));
  }
  out.end();
}

void Details::write_failed(Writer& out, std::size_t destination, const PeerFailure& failure) const {
  out.field("cause", name_of(cause_of(name_of(failure.method), failure.error)));
  write_peer(out, destination);
}

void Details::write_seconds(Writer& out) const {
  const auto phases = timeline_->per_phase();
  spark::Duration total{0};
  out.key("seconds").object();
  for (std::size_t i = 0; i < phase_count; ++i) {
    const auto phase = static_cast<Phase>(i);
    if (phase == Phase::undo) continue;  // it comes after the answer
    out.raw_field(name_of(phase), seconds(phases[i]));
    total += phases[i];
  }
  out.raw_field("total", seconds(total)).end();
}

Error Details::added_to(Error error) const {
  const auto document = json::Document::parse(error.data.empty() ? "{}" : error.data, "data");
  if (!document || !document->root().is_object()) return error;
  const auto data = document->root();
  Writer out;
  out.object();
  for (const auto& [name, value] : data.members()) out.raw_field(name, value.dump());
  if (!data.find("batch")) out.field("batch", batch_);
  out.field("cause", name_of(cause_of(method_in(data), error)));
  write_seconds(out);
  error.data = out.end().take();
  return error;
}

}  // namespace report
