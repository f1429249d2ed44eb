#include "lightningd/replies.hpp"

#include <algorithm>
#include <utility>

#include "lightningd/codes.hpp"
#include "lightningd/fields.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"

namespace lightningd::replies {
namespace {

util::Result<Reservation> reservation(const json::Value& object) {
  Fields fields(object);
  Reservation reservation;
  reservation.outpoint = {fields.id<bitcoin::Txid>("txid"), fields.u32("vout")};
  // Absent once the input is free again (unreserveinputs); 0 says so here.
  if (fields.boolean("reserved")) reservation.reserved_to_block = fields.u32("reserved_to_block");
  if (fields.has("was_reserved")) reservation.was_reserved = fields.boolean("was_reserved");
  return fields.finish(reservation);
}

/// Lines that were left out have no text.
util::Result<LogLine> log_line(const json::Value& entry) {
  Fields fields(entry);
  LogLine line;
  if (fields.has("node_id")) line.peer = fields.text("node_id");
  if (fields.has("log")) line.text = fields.text("log");
  return fields.finish(std::move(line));
}

util::Result<bool> connected_flag(const json::Value& peer) {
  Fields fields(peer);
  return fields.finish(fields.boolean("connected"));
}

util::Result<StoredText> stored_text(const json::Value& object) {
  const auto key = object.field("key");
  if (!key.ok()) return key.error();
  StoredText stored;
  for (const auto& part : key->elements()) {
    const auto text = part.string();
    if (!text.ok()) return text.error();
    stored.key.emplace_back(*text);
  }
  Fields fields(object);
  if (fields.has("generation")) stored.generation = fields.u64("generation");
  if (fields.has("string")) stored.text = fields.text("string");
  return fields.finish(std::move(stored));
}

util::Result<std::vector<std::string>> warnings_of(const json::Value& channel) {
  std::vector<std::string> warnings;
  for (const auto& [name, member] : channel.members()) {
    const auto text = member.string();
    if (name.starts_with("warning_") && text.ok())
      warnings.push_back(util::safe_text(util::str(name.substr(8), ": ", *text)));
  }
  return warnings;
}

}  // namespace

util::Result<std::string> usage(const json::Value& result) {
  const auto commands = list<std::string>(result, "help", [](const json::Value& command) -> util::Result<std::string> {
    Fields fields(command);
    return fields.finish(fields.text("command"));
  });
  if (!commands.ok()) return commands.error();
  if (commands->size() != 1) return util::Error{code::generic, result.path() + ".help: expected one", {}};
  return commands->front();
}

util::Result<NodeInfo> node_info(const json::Value& result) {
  Fields fields(result);
  NodeInfo info;
  if (fields.has("id")) info.id = fields.id<NodeId>("id");
  info.version = fields.text("version");
  if (fields.has("network")) info.network = fields.text("network");
  info.blockheight = fields.u32("blockheight");
  for (const auto* warning : {"warning_bitcoind_sync", "warning_lightningd_sync"}) {
    if (info.sync_warning.empty() && fields.has(warning)) info.sync_warning = fields.text(warning);
  }
  return fields.finish(std::move(info));
}

util::Result<std::vector<LogLine>> log_lines(const json::Value& result) { return list(result, "log", log_line); }

util::Result<FeerateLimits> feerate_limits(const json::Value& result) {
  const auto perkw = result.field("perkw");
  if (!perkw.ok()) return perkw.error();
  Fields fields(*perkw);
  FeerateLimits limits{{fields.u32("floor")}, {fields.u32("min_acceptable")}};
  if (fields.has("unilateral_anchor_close"))
    limits.anchor_commitment = bitcoin::Perkw{fields.u32("unilateral_anchor_close")};
  return fields.finish(limits);
}

util::Result<NodeLimits> node_limits(const json::Value& result) {
  const auto configs = result.field("configs");
  if (!configs.ok()) return configs.error();
  NodeLimits limits;
  if (const auto emergency = configs->find("min-emergency-msat")) {
    Fields fields(*emergency);
    const auto amount = fields.finish(fields.sat("value_msat"));
    if (!amount.ok()) return amount.error();
    limits.emergency = *amount;
  }
  if (const auto capacity = configs->find("min-capacity-sat")) {
    const auto amount = capacity->u64("value_int");
    if (!amount.ok()) return amount.error();
    limits.min_capacity = bitcoin::Sat{*amount};
  }
  return limits;
}

util::Result<Connected> connected(const json::Value& result) {
  Fields fields(result);
  return fields.finish(Connected{fields.id<Features>("features")});
}

util::Result<bool> is_connected(const json::Value& result) {
  const auto peers = list(result, "peers", connected_flag);
  if (!peers.ok()) return peers.error();
  return std::any_of(peers->begin(), peers->end(), [](bool connected) { return connected; });
}

util::Result<bitcoin::Perkw> feerate(const json::Value& result) {
  Fields fields(result);
  return fields.finish(bitcoin::Perkw{fields.u32("perkw")});
}

util::Result<Funded> funded(const json::Value& result) {
  Fields fields(result);
  Funded funded;
  funded.psbt = fields.text("psbt");
  funded.feerate = {fields.u32("feerate_per_kw")};
  funded.estimated_final_weight = fields.u64("estimated_final_weight");
  funded.excess = fields.msat("excess_msat");
  if (fields.has("change_outnum")) funded.change_outnum = fields.u32("change_outnum");
  if (fields.has("reservations")) {
    auto reserved = reservations(result);
    if (!reserved.ok()) return std::move(reserved.error());
    funded.reservations = std::move(*reserved);
  }
  return fields.finish(std::move(funded));
}

util::Result<std::vector<Reservation>> reservations(const json::Value& result) {
  auto all = list(result, "reservations", reservation);
  if (all.ok()) std::erase_if(*all, [](const Reservation& one) { return one.reserved_to_block == 0; });
  return all;
}

util::Result<Started> started(const json::Value& result) {
  Fields fields(result);
  Started started;
  started.funding_address = fields.text("funding_address");
  started.scriptpubkey = fields.bytes("scriptpubkey");
  if (fields.has("close_to")) started.close_to = fields.text("close_to");
  if (const auto type = result.find("channel_type")) started.channel_type = type->dump();
  return fields.finish(std::move(started));
}

util::Result<Completed> completed(const json::Value& result) {
  Fields fields(result);
  Completed completed;
  completed.channel_id = fields.id<ChannelId>("channel_id");
  completed.commitments_secured = fields.boolean("commitments_secured");
  return fields.finish(completed);
}

util::Result<std::vector<PeerChannel>> peer_channels(const json::Value& result) {
  return list(result, "channels", read_channel);
}

util::Result<std::vector<WalletOutput>> wallet_outputs(const json::Value& result) {
  return list(result, "outputs", read_wallet_output);
}

util::Result<util::SharedText> signed_psbt(const json::Value& result) {
  Fields fields(result);
  return fields.finish(util::share(fields.text("signed_psbt")));
}

util::Result<Sent> sent(const json::Value& result) {
  Fields fields(result);
  Sent sent;
  sent.tx = fields.text("tx");
  sent.txid = fields.id<bitcoin::Txid>("txid");
  return fields.finish(std::move(sent));
}

util::Result<bitcoin::Txid> prepared(const json::Value& result) {
  Fields fields(result);
  return fields.finish(fields.id<bitcoin::Txid>("txid"));
}

util::Result<std::string> p2tr_address(const json::Value& result) {
  Fields fields(result);
  return fields.finish(fields.text("p2tr"));
}

util::Result<std::vector<std::string>> addresses(const json::Value& result) {
  const auto keys = result.field("addresses");
  if (!keys.ok()) return keys.error();
  if (!keys->is_array()) return util::Error{code::generic, keys->path() + ": expected an array", {}};
  std::vector<std::string> all;
  for (const auto& key : keys->elements()) {
    Fields fields(key);
    for (const auto* kind : {"bech32", "p2tr"}) {
      if (fields.has(kind)) all.push_back(fields.text(kind));
    }
    if (const auto read = fields.finish(true); !read.ok()) return read.error();
  }
  return all;
}

util::Result<util::MacKey> secret(const json::Value& result) {
  const auto text = result.string("secret");
  auto key = text ? util::MacKey::from_hex(*text) : std::nullopt;
  if (!key) return util::Error{code::generic, result.path() + ".secret: expected 64 hex digits", {}};
  return std::move(*key);
}

util::Result<std::uint64_t> generation(const json::Value& result) {
  Fields fields(result);
  return fields.finish(fields.u64("generation"));
}

util::Result<std::vector<StoredText>> stored_texts(const json::Value& result) {
  return list(result, "datastore", stored_text);
}

util::Result<std::vector<std::string>> policy_warnings(const json::Value& result) {
  const auto channels = list<std::vector<std::string>>(result, "channels", warnings_of);
  if (!channels.ok()) return channels.error();
  if (channels->size() != 1) return util::Error{code::generic, result.path() + ".channels: expected one", {}};
  return channels->front();
}

util::Result<void> anything(const json::Value& /*result*/) { return {}; }

}  // namespace lightningd::replies
