#include "labels/settled_answer.hpp"

#include "json/writer.hpp"

namespace labels {

namespace {

/// After a crash nobody knows why.
report::PeerFailure dropped_out() {
  return {report::PeerMethod::fundchannel_start,
          util::Error{-1, "it had dropped out before the plugin was started again", {}}};
}

void write_channel(json::Writer& out, const report::DestinationReport& destination) {
  const auto& outpoint = *destination.outpoint;
  const auto outnum = static_cast<std::uint16_t>(outpoint.vout);
  out.object().field("id", destination.id.hex());
  out.field("channel_id", lightningd::v1_channel_id(outpoint.txid, outnum).hex()).field("outnum", outpoint.vout);
  out.end();
}

void write_failed(json::Writer& out, const report::DestinationReport& destination) {
  const auto failure = destination.failure.value_or(dropped_out());
  out.object().field("id", destination.id.hex()).field("method", name_of(failure.method));
  out.key("error").object().field("code", failure.error.code).field("message", failure.error.message).end().end();
}

}  // namespace

std::string settled_answer(const report::BatchReport& report) {
  json::Writer out;
  out.object();
  if (report.txid) out.field("txid", report.txid->hex());
  out.key("channel_ids").array();
  for (const auto& destination : report.destinations) {
    if (destination.outpoint) write_channel(out, destination);
  }
  out.end().key("failed").array();
  for (const auto& destination : report.destinations) {
    if (!destination.outpoint) write_failed(out, destination);
  }
  return out.end().field("batch", report.id).end().take();
}

}  // namespace labels
