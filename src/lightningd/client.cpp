#include "lightningd/client.hpp"

#include <algorithm>
#include <utility>

#include "json/writer.hpp"
#include "lightningd/replies.hpp"
#include "util/str.hpp"

namespace lightningd {
namespace {

using json::Writer;

std::string to_text(bitcoin::Sat amount) { return util::str(amount.value, "sat"); }
std::string to_text(bitcoin::Msat amount) { return util::str(amount.value, "msat"); }

/// The PSBT as a piece of its own, which all calls share that get it, then the parameters of
/// `others` (an open object). Base64 has no character that JSON escapes.
util::Rope with_psbt(const util::SharedText& psbt, Writer& others) {
  const std::string rest = others.end().take();
  util::Rope params(R"({"psbt":")");
  params.add(psbt);
  params.add(util::str('"', rest == "{}" ? "" : ",", rest.substr(1)));
  return params;
}

/// What fundpsbt and utxopsbt share; the object stays open.
void begin_fund_params(Writer& writer, const FundParams& params) {
  writer.object().field("satoshi", params.all ? "all" : to_text(params.amount));
  writer.field("feerate", params.feerate).field("startweight", params.startweight);
  writer.field("reserve", params.reserve_blocks).field("excess_as_change", true);
  if (params.opening_anchor_channel) writer.field("opening_anchor_channel", true);
}

/// Of each channel, what we look at. The rest is large: the funding PSBT alone grows with the batch.
constexpr auto channels_filter = R"({"channels":[{"peer_id":true,"peer_connected":true,"state":true,"opener":true,)"
                                 R"("channel_id":true,"short_channel_id":true,"funding_txid":true,)"
                                 R"("funding_outnum":true,"total_msat":true,"funding":{"withheld":true}}]})";
constexpr auto outputs_filter = R"({"outputs":[{"txid":true,"output":true,"amount_msat":true,"scriptpubkey":true,)"
                                R"("status":true,"reserved":true,"reserved_to_block":true,"redeemscript":true,)"
                                R"("blockheight":true,"spendable_at":true}]})";
/// The reply would repeat the text, in hex too.
constexpr auto generation_filter = R"({"generation":true})";

/// Parameters that are one text.
std::string only(std::string_view name, std::string_view text) {
  return Writer().object().field(name, text).end().take();
}

/// An open object with the key.
Writer with_key(const DatastoreKey& key) {
  Writer params;
  params.object().list("key", key);
  return params;
}

/// Into an open object.
void write_start(Writer& writer, const StartParams& params) {
  writer.field("id", params.id.hex()).field("amount", to_text(params.amount));
  if (!params.feerate.empty()) writer.field("feerate", params.feerate);
  writer.field("announce", params.announce);
  if (params.close_to) writer.field("close_to", *params.close_to);
  if (params.push.value > 0) writer.field("push_msat", to_text(params.push));
  if (params.mindepth) writer.field("mindepth", *params.mindepth);
  if (params.reserve) writer.field("reserve", to_text(*params.reserve));
  if (params.has_channel_type) writer.list("channel_type", params.channel_type);
}

std::string with_address(const NodeId& id, const std::string& address) {
  return address.empty() ? id.hex() : util::str(id.hex(), '@', address);
}

/// `then` gets whether the reply has this address.
Reply<std::vector<std::string>> whether_among(const std::string& address, Reply<bool> then) {
  return [address, then = std::move(then)](util::Result<std::vector<std::string>> all) mutable {
    if (!all.ok()) return then(std::move(all.error()));
    then(std::find(all->begin(), all->end(), address) != all->end());
  };
}

}  // namespace

void Client::usage(const std::string& method, Reply<std::string> then) const {
  calls_.send("help", only("command", method), replies::usage, std::move(then), R"({"help":[{"command":true}]})");
}

void Client::getinfo(Reply<NodeInfo> then) const {
  calls_.send("getinfo", std::string("{}"), replies::node_info, std::move(then));
}

void Client::log(Reply<std::vector<LogLine>> then) const {
  calls_.send("getlog", std::string(R"({"level":"info"})"), replies::log_lines, std::move(then));
}

void Client::feerates(Reply<FeerateLimits> then) const {
  calls_.send("feerates", std::string(R"({"style":"perkw"})"), replies::feerate_limits, std::move(then),
              R"({"perkw":{"floor":true,"min_acceptable":true,"unilateral_anchor_close":true}})");
}

void Client::limits(Reply<NodeLimits> then) const {
  calls_.send("listconfigs", std::string("{}"), replies::node_limits, std::move(then),
              R"({"configs":{"min-emergency-msat":{"value_msat":true},"min-capacity-sat":{"value_int":true}}})");
}

void Client::connect(const NodeId& id, const std::string& address, Reply<Connected> then) const {
  calls_.send({"connect", &id}, only("id", with_address(id, address)), replies::connected, std::move(then));
}

void Client::is_connected(const NodeId& id, Reply<bool> then) const {
  calls_.send({"listpeers", &id}, only("id", id.hex()), replies::is_connected, std::move(then),
              R"({"peers":[{"connected":true}]})");
}

void Client::disconnect(const NodeId& id, bool force, Reply<void> then) const {
  calls_.send({"disconnect", &id}, Writer().object().field("id", id.hex()).field("force", force).end().take(),
              replies::anything, std::move(then));
}

void Client::ping(const NodeId& id, Reply<void> then) const {
  calls_.send({"ping", &id}, only("id", id.hex()), replies::anything, std::move(then));
}

void Client::parsefeerate(const std::string& feerate, Reply<bitcoin::Perkw> then) const {
  // By position: lightningd's code and its schema disagree about the parameter's name.
  calls_.send("parsefeerate", Writer().array().value(feerate).end().take(), replies::feerate, std::move(then));
}

void Client::fundpsbt(const FundParams& params, std::uint32_t minconf, Reply<Funded> then) const {
  Writer writer;
  begin_fund_params(writer, params);
  writer.field("minconf", minconf).field("nonwrapped", true);
  calls_.send("fundpsbt", writer.end().take(), replies::funded, std::move(then));
}

void Client::utxopsbt(const FundParams& params, const std::vector<bitcoin::Outpoint>& utxos, bool reservedok,
                      Reply<Funded> then) const {
  Writer writer;
  begin_fund_params(writer, params);
  writer.field("reservedok", reservedok).list("utxos", utxos, &bitcoin::Outpoint::str);
  calls_.send("utxopsbt", writer.end().take(), replies::funded, std::move(then));
}

void Client::reserveinputs(const util::SharedText& psbt, bool exclusive, std::uint32_t blocks,
                           Reply<std::vector<Reservation>> then) const {
  Writer others;
  others.object().field("exclusive", exclusive).field("reserve", blocks);
  calls_.send("reserveinputs", with_psbt(psbt, others), replies::reservations, std::move(then));
}

void Client::unreserveinputs(const util::SharedText& psbt, std::uint32_t blocks,
                             Reply<std::vector<Reservation>> then) const {
  Writer others;
  others.object().field("reserve", blocks);
  calls_.send("unreserveinputs", with_psbt(psbt, others), replies::reservations, std::move(then));
}

void Client::txprepare(const std::vector<Placeholder>& outputs, const std::string& feerate,
                       const std::vector<bitcoin::Outpoint>& utxos, Reply<bitcoin::Txid> then) const {
  Writer writer;
  writer.object().key("outputs").array();
  for (const auto& output : outputs)
    writer.object().field(output.address, output.amount ? to_text(*output.amount) : "all").end();
  writer.end().field("feerate", feerate).list("utxos", utxos, &bitcoin::Outpoint::str);
  calls_.send("txprepare", writer.end().take(), replies::prepared, std::move(then), R"({"txid":true})");
}

void Client::txdiscard(const bitcoin::Txid& txid, Reply<void> then) const {
  calls_.send("txdiscard", only("txid", txid.hex()), replies::anything, std::move(then), R"({"txid":true})");
}

void Client::newaddr(Reply<std::string> then) const {
  calls_.send("newaddr", std::string(R"({"addresstype":"p2tr"})"), replies::p2tr_address, std::move(then));
}

void Client::is_address_ours(const std::string& address, Reply<bool> then) const {
  calls_.send("listaddresses", only("address", address), replies::addresses, whether_among(address, std::move(then)));
}

void Client::fundchannel_start(const StartParams& params, Reply<Started> then) const {
  Writer writer;
  write_start(writer.object(), params);
  calls_.send({"fundchannel_start", &params.id}, writer.end().take(), replies::started, std::move(then));
}

void Client::check_start(const StartParams& params, Reply<void> then) const {
  Writer writer;
  write_start(writer.object().field("command_to_check", "fundchannel_start"), params);
  calls_.send("check", writer.end().take(), replies::anything, std::move(then));
}

void Client::check_connect(const NodeId& id, const std::string& address, Reply<void> then) const {
  Writer params;
  params.object().field("command_to_check", "connect").field("id", with_address(id, address));
  calls_.send("check", params.end().take(), replies::anything, std::move(then));
}

void Client::fundchannel_complete(const NodeId& id, const util::SharedText& psbt, bool withhold,
                                  Reply<Completed> then) const {
  Writer others;
  others.object().field("id", id.hex());
  if (withhold) others.field("withhold", true);
  calls_.send({"fundchannel_complete", &id}, with_psbt(psbt, others), replies::completed, std::move(then));
}

void Client::fundchannel_cancel(const NodeId& id, Reply<void> then) const {
  calls_.send({"fundchannel_cancel", &id}, only("id", id.hex()), replies::anything, std::move(then));
}

void Client::close(const ChannelId& channel, std::uint32_t unilateraltimeout_seconds, Reply<void> then) const {
  Writer params;
  params.object().field("id", channel.hex()).field("unilateraltimeout", unilateraltimeout_seconds);
  calls_.send("close", params.end().take(), replies::anything, std::move(then));
}

void Client::setchannel(const NodeId& peer, const ChannelId& channel, const ChannelPolicy& policy,
                        Reply<std::vector<std::string>> then) const {
  Writer params;
  // Never by the peer's id: that means all of its channels.
  params.object().field("id", channel.hex());
  if (policy.feebase) params.field("feebase", to_text(*policy.feebase));
  if (policy.feeppm) params.field("feeppm", *policy.feeppm);
  if (policy.htlcmin) params.field("htlcmin", to_text(*policy.htlcmin));
  if (policy.htlcmax) params.field("htlcmax", to_text(*policy.htlcmax));
  calls_.send({"setchannel", &peer}, params.end().take(), replies::policy_warnings, std::move(then));
}

void Client::listpeerchannels(const std::optional<NodeId>& peer, Reply<std::vector<PeerChannel>> then) const {
  Writer params;
  params.object();
  if (peer) params.field("id", peer->hex());
  calls_.send({"listpeerchannels", peer ? &*peer : nullptr}, params.end().take(), replies::peer_channels,
              std::move(then), channels_filter);
}

void Client::listfunds(Reply<std::vector<WalletOutput>> then) const {
  calls_.send("listfunds", std::string("{}"), replies::wallet_outputs, std::move(then), outputs_filter);
}

void Client::listfunds_with_spent(Reply<std::vector<WalletOutput>> then) const {
  calls_.send("listfunds", std::string(R"({"spent":true})"), replies::wallet_outputs, std::move(then), outputs_filter);
}

void Client::signpsbt(const util::SharedText& psbt, Reply<util::SharedText> then) const {
  calls_.send("signpsbt", with_psbt(psbt, Writer().object()), replies::signed_psbt, std::move(then));
}

void Client::sendpsbt(const util::SharedText& psbt, std::uint32_t reserve_blocks, Reply<Sent> then) const {
  Writer others;
  others.object().field("reserve", reserve_blocks);
  calls_.send("sendpsbt", with_psbt(psbt, others), replies::sent, std::move(then));
}

void Client::makesecret(std::string_view purpose, Reply<util::MacKey> then) const {
  calls_.send("makesecret", only("string", purpose), replies::secret, std::move(then));
}

void Client::datastore_create(const DatastoreKey& key, const std::string& text, Reply<std::uint64_t> then) const {
  auto params = with_key(key);
  params.field("string", text).field("mode", "must-create");
  calls_.send("datastore", params.end().take(), replies::generation, std::move(then), generation_filter);
}

void Client::datastore_replace(const DatastoreKey& key, const std::string& text,
                               std::optional<std::uint64_t> generation, Reply<std::uint64_t> then) const {
  auto params = with_key(key);
  params.field("string", text).field("mode", "must-replace");
  if (generation) params.field("generation", *generation);
  calls_.send("datastore", params.end().take(), replies::generation, std::move(then), generation_filter);
}

void Client::listdatastore(const DatastoreKey& key, Reply<std::vector<StoredText>> then) const {
  calls_.send("listdatastore", with_key(key).end().take(), replies::stored_texts, std::move(then),
              R"({"datastore":[{"key":true,"generation":true,"string":true}]})");
}

void Client::listdatastore_names(const DatastoreKey& key, Reply<std::vector<StoredText>> then) const {
  calls_.send("listdatastore", with_key(key).end().take(), replies::stored_texts, std::move(then),
              R"({"datastore":[{"key":true}]})");
}

void Client::deldatastore(const DatastoreKey& key, Reply<void> then) const {
  calls_.send("deldatastore", with_key(key).end().take(), replies::anything, std::move(then), generation_filter);
}

}  // namespace lightningd
