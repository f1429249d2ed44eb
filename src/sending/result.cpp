#include "sending/result.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "sending/send_verdict.hpp"
#include "util/str.hpp"

namespace sending {

using json::Writer;
using util::Error;
using util::str;

namespace {

void write_error(Writer& out, const Error& error) {
  out.key("error").object().field("code", error.code).field("message", error.message);
  if (!error.data.empty()) out.raw_field("data", error.data);
  out.end();
}

void write_memo(Writer& out, const peers::PeerOpening& peer, const report::Details* details) {
  const auto& memo = peer.destination().memo;
  if (details != nullptr && !memo.empty()) out.field("memo", memo);
}

void write_failed(Writer& out, const peers::PeerOpening& peer, const report::PeerFailure& failure,
                  const report::Details* details) {
  out.object().field("id", peer.destination().id.hex()).field("method", name_of(failure.method));
  write_error(out, failure.error);
  write_memo(out, peer, details);
  if (details != nullptr) details->write_failed(out, peer.destination().index, failure);
  out.end();
}

Error refusal_error(const ledger::Ledger& ledger, const Error& cause, const std::string& consequence) {
  const std::string txid = ledger.sending->hex();
  Writer data;
  data.object().field("method", "sendpsbt").field("batch", ledger.id).field("txid", txid).field("refused", true);
  data.key("error").object().field("code", cause.code).field("message", cause.message).end();
  data.end();
  return Error{lightningd::code::broadcast_fail,
               str("bitcoind refused the funding transaction ", txid, " (", refusal_text(cause), "): ", consequence),
               data.take()};
}

report::PeerFailure as_given_up(const peers::PeerOpening& peer, const peers::PeerOpening& because_of) {
  const auto id = because_of.destination().id.hex();
  return {peer.method(), Error{-1, str("given up, because ", id, " failed and too few were left"), {}}};
}

}  // namespace

std::string success_json(const std::string& tx, const funding::FundingTransaction& transaction, const Opened& batch,
                         const report::Details* details) {
  Writer out;
  out.object().field("tx", tx).field("txid", transaction.txid.hex());
  write_peers(out, transaction, batch, details);
  report::write_outputs(out, batch.payments);
  if (details != nullptr) details->write_batch(out, transaction);
  out.end();
  return out.take();
}

void write_peers(Writer& out, const funding::FundingTransaction& transaction, const Opened& batch,
                 const report::Details* details) {
  const auto& opened = batch.opened;
  out.key("channel_ids").array();
  for (std::size_t i = 0; i < opened.size(); ++i) {
    const auto& terms = opened[i]->terms();
    out.object().field("id", opened[i]->destination().id.hex()).field("channel_id", opened[i]->channel_id().hex());
    if (!terms.channel_type.empty()) out.raw_field("channel_type", terms.channel_type);
    out.field("outnum", transaction.outnums[i]);
    if (terms.close_to) out.field("close_to", *terms.close_to);
    const auto& asked = opened[i]->destination().close_to;
    if (details != nullptr && asked && !terms.close_to) out.field("close_to_refused", *asked);
    write_memo(out, *opened[i], details);
    if (details != nullptr) details->write_channel(out, opened[i]->destination().index, *opened[i]->record());
    out.end();
  }
  out.end().key("failed").array();
  for (const auto* peer : batch.failed) {
    write_failed(out, *peer, *peer->failure(), details);
  }
  out.end();
}

Error too_few_left(const peers::PeerOpening& decisive, const std::vector<std::unique_ptr<peers::PeerOpening>>& all,
                   const std::vector<const peers::PeerOpening*>& failed, const report::Details* details) {
  const auto& failure = *decisive.failure();
  Writer data;
  data.object().field("id", decisive.destination().id.hex()).field("method", name_of(failure.method));
  if (!failure.error.data.empty()) data.raw_field("data", failure.error.data);
  data.key("failed").array();
  for (const auto* peer : failed) write_failed(data, *peer, *peer->failure(), details);
  for (const auto& peer : all) {
    if (peer->live()) write_failed(data, *peer, as_given_up(*peer, decisive), details);
  }
  data.end().end();
  return Error{failure.error.code, failure.error.message, data.take()};
}

Error maybe_sent(const ledger::Ledger& ledger, const std::string& tx, const Error& cause) {
  const std::string txid = ledger.sending->hex();
  Writer data;
  data.object().field("method", "sendpsbt").field("batch", ledger.id).field("txid", txid);
  if (!tx.empty()) data.field("tx", tx);
  write_error(data, cause);
  data.end();
  return Error{lightningd::code::broadcast_fail,
               str("The funding transaction ", txid, " was signed, but sending it was not confirmed (", cause.message,
                   "): it may be on its way. Its channels and inputs are "
                   "kept, and it is sent again until it is known. Do not use these inputs otherwise; see "
                   "listmultifundchannels ",
                   ledger.id),
               data.take()};
}

Error refused_and_undone(const ledger::Ledger& ledger, const Error& cause) {
  return refusal_error(ledger, cause, "nothing was sent, and everything is undone");
}

Error refused_and_kept(const ledger::Ledger& ledger, const Error& cause) {
  return refusal_error(
      ledger, cause,
      str("nothing was sent so far. lightningd keeps the signed transaction in its channels and sends it again "
          "when it starts, so channels and inputs are kept, and it is tried again from time to time. To give "
          "it up: multifundchannel-abort ",
          ledger.id));
}

}  // namespace sending
