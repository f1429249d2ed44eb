#include "sim/openings.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "lightningd/features.hpp"
#include "sim/judgement.hpp"
#include "sim/peer_side.hpp"
#include "sim/raw_psbt.hpp"
#include "sim/script.hpp"
#include "sim/wallet_rpc.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

namespace code = lightningd::code;
namespace feature = lightningd::feature;
using bitcoin::Sat;

constexpr int bad_psbt = 309, bad_state = 312;
constexpr Sat max_funding{(1u << 24) - 1};
constexpr Sat min_capacity{10'000};
constexpr spark::Duration openingd_reads{1};

/// Hex, as lightningd answers it: not the address's own script, but one for each address.
std::string script_of(const std::string& address) {
  const auto hash = util::sha256d(util::Bytes(address.begin(), address.end()));
  return "0014" + util::to_hex(util::Bytes(hash.begin(), hash.begin() + 20));
}

/// A peer's words as lightningd shows them: as hex, unless all are printable ASCII (sanitize_error, v26.06.6).
std::string shown(std::string_view words) {
  const bool printable = std::all_of(words.begin(), words.end(), [](unsigned char c) { return c >= 32 && c <= 127; });
  return printable ? std::string(words) : util::to_hex(util::Bytes(words.begin(), words.end()));
}

std::optional<util::Error> not_connected(const Peer* peer) {
  if (peer == nullptr || !peer->known()) return util::Error{code::unknown_peer, "Unknown peer", ""};
  if (peer->connected) return std::nullopt;
  return util::Error{code::not_connected, util::str("Peer ", peer->connecting ? "still connecting" : "not connected"),
                     ""};
}

std::optional<util::Error> unknown_txid(const psbt::Psbt& psbt) {
  const auto raw = RawPsbt::from(psbt);
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    if (raw && raw->txid_is_known(i)) continue;
    return util::Error{bad_psbt, util::str("Input ", i, " is non-segwit and unsigned: txid is unknown until signed"),
                       ""};
  }
  return std::nullopt;
}

}  // namespace

Openings::Openings(Core& core, const Feerates& feerates, Connections& connections, Channels& channels)
    : core_(core), feerates_(feerates), connections_(connections), channels_(channels) {
  core.methods.add("fundchannel_start",
                   "id amount [feerate] [announce] [close_to] [push_msat] [mindepth] [reserve] [channel_type]",
                   [this](Params& params, Reply reply) { start(params, std::move(reply)); });
  core.methods.add("fundchannel_complete", core.can_withhold() ? "id psbt [withhold]" : "id psbt",
                   [this](Params& params, Reply reply) { complete(params, std::move(reply)); });
  core.methods.add("fundchannel_cancel", "id",
                   [this](Params& params, Reply reply) { cancel(params, std::move(reply)); });
}

util::Result<Opening> Openings::read_start(Params& params) const {
  Opening opening;
  opening.amount = params.sat("amount");
  opening.push = params.msat("push_msat");
  opening.announce = params.flag("announce", true);
  opening.mindepth = params.number("mindepth", opening.mindepth);
  if (params.find("close_to")) opening.close_to = params.text("close_to");
  opening.reserve = params.sat("reserve");
  if (params.error()) return *params.error();
  if (opening.close_to) {
    if (const auto error = judge_close_to(*opening.close_to)) return *error;
    opening.close_to = script_of(*opening.close_to);
  }
  if (opening.push > to_msat(opening.amount)) {
    return util::Error{code::cannot_afford,
                       util::str("Requested to push_msat of ", opening.push.value,
                                 "msat is greater than available funding amount ", opening.amount.value, "sat"),
                       ""};
  }
  if (const auto type = params.find("channel_type")) {
    if (const auto error = judge_channel_type(*type, core_.peers.ours())) return *error;
  }
  const auto feerate = feerates_.parse(params.text("feerate", "opening"));
  if (!feerate) return feerate.error();
  opening.feerate = *feerate;
  if (feerates_.anchor_commitment() == 0 && core_.peers.ours().offers(feature::anchors_zero_fee_htlc_tx)) {
    return util::Error{code::generic, "Cannot estimate fees", ""};
  }
  return opening;
}

std::optional<util::Error> Openings::refuse_start(const Peer* peer, Sat amount) const {
  if (auto error = not_connected(peer)) return error;
  if (!core_.peers.negotiated(*peer, feature::large_channels) && amount > max_funding) {
    return util::Error{code::max_exceeded, util::str("Amount exceeded ", max_funding.value, "sat"), ""};
  }
  if (core_.peers.negotiated(*peer, feature::dual_fund)) {
    return util::Error{bad_state,
                       "Peer negotiated `option_dual_fund`, must use `openchannel_init` not `fundchannel_start`.", ""};
  }
  if (peer->opening) return util::Error{code::generic, "Already funding channel", ""};
  return std::nullopt;
}

void Openings::start(Params& params, Reply reply) {
  const auto id = params.node_id("id");
  auto opening = read_start(params);
  if (!opening) return reply.finish(opening.error());
  Peer* peer = core_.peers.find(id);
  if (const auto error = refuse_start(peer, opening->amount)) return reply.finish(*error);

  opening->command = std::move(reply);
  opening->origin = core_.asked.origin;
  opening->channel_type = channels_.type_json(*peer, params.find("channel_type"));
  if (!core_.peers.negotiated(*peer, feature::upfront_shutdown_script)) opening->close_to.reset();
  const bool reserves = can_reserve(*opening);
  begin(*peer, std::move(*opening));
  if (!reserves) {
    return later(*peer, openingd_reads, [this](Peer& refused) {
      failed(refused,
             "Not opening because if they used the same setting as us the channel's capacity is below 10000sat");
    });
  }
  if (const auto fault = peer->take_fault(Phase::start)) return misbehave(*peer, *fault);
  if (!takes_another(core_, *peer)) return refuse(*peer, peer->setup.delay * 2, habits_of(peer->setup.kind).too_many);
  answer(*peer, peer->setup.delay * 2, [this](Peer& answering) { started(answering); });
}

std::optional<util::Error> Openings::check(Params& params) const {
  const auto id = params.node_id("id");
  const auto opening = read_start(params);
  if (!opening) return opening.error();
  return refuse_start(core_.peers.find(id), opening->amount);
}

Sat Openings::commitment_cost_of(const Opening& opening) const {
  const bool anchors = opening.channel_type.find("anchors") != std::string::npos;
  return commitment_cost(anchors, anchors ? feerates_.anchor_commitment() : opening.feerate);
}

/// After push_msat, the rest has to pay for the commitment transaction.
bool Openings::can_afford(const Opening& opening) const {
  return opening.push.value + to_msat(commitment_cost_of(opening)).value <= to_msat(opening.amount).value;
}

/// openingd supposes that the peer asks for as much; the rest has to pay for the commitment transaction and leave a
/// channel that is large enough. (Small channels without a reserve are not modelled.)
bool Openings::can_reserve(const Opening& opening) const {
  return opening.reserve.value == 0 ||
         2 * opening.reserve.value + commitment_cost_of(opening).value + min_capacity.value <= opening.amount.value;
}

void Openings::begin(Peer& peer, Opening opening) {
  opening.serial = next_serial_++;
  opening.began = core_.runtime.now();
  opening.temporary_id = lightningd::ChannelId::from_hex(util::to_hex(core_.random.bytes(32))).value();
  opening.script = make_funding_script(core_.random);
  peer.opening = std::move(opening);
  connections_.subdaemon_attached();
}

void Openings::open_for_others(Peer& peer, Sat amount, bool fully) {
  if (refuse_start(&peer, amount)) return;
  Opening opening;
  opening.others = true;
  opening.amount = amount;
  opening.channel_type = channels_.type_json(peer, std::nullopt);
  begin(peer, std::move(opening));
  if (!takes_another(core_, peer)) return refuse(peer, peer.setup.delay * 2, habits_of(peer.setup.kind).too_many);
  later(peer, peer.setup.delay * 2, [this, fully](Peer& answering) {
    answering.opening->step = Opening::Step::started;
    if (!fully) return;
    answering.opening->funding = {bitcoin::Txid::from_hex(util::to_hex(core_.random.bytes(32))).value(), 0};
    later(answering, answering.setup.delay * 2, [this](Peer& secured) {
      write_down(core_, secured, secured.opening->funding);
      (void)channels_.commit(secured, std::exchange(secured.opening, std::nullopt).value());
    });
  });
}

void Openings::give_up_for_others(Peer& peer) {
  if (peer.opening && peer.opening->others) peer.opening.reset();
}

void Openings::later(Peer& peer, spark::Duration delay, util::Function<void(Peer&)> then) {
  core_.after(delay,
              [&peer, serial = peer.opening->serial, step = peer.opening->step, then = std::move(then)]() mutable {
                if (peer.opening && peer.opening->serial == serial && peer.opening->step == step) then(peer);
              });
}

void Openings::answer(Peer& peer, spark::Duration delay, util::Function<void(Peer&)> then) {
  later(peer, delay, [then = std::move(then)](Peer& answering) mutable {
    if (!answering.frozen) then(answering);
  });
}

void Openings::misbehave(Peer& peer, const Fault& fault) {
  const auto delay = fault.after + peer.setup.delay * 2;
  switch (fault.kind) {
    case Kind::refuse:
      return refuse(peer, delay, fault.text);
    case Kind::disconnect:
      return later(peer, delay, [this](Peer& leaving) { connections_.lost(leaving); });
    case Kind::reminds:
      return later(peer, delay, [this](Peer& leaving) { connections_.reminded(leaving); });
    case Kind::silent:
      if (fault.phase != Phase::started) return (void)(peer.frozen = true);
      return later(peer, fault.after, [](Peer& silent) { silent.frozen = true; });
  }
}

void Openings::refuse(Peer& peer, spark::Duration delay, std::string_view text) {
  answer(peer, delay, [this, text = std::string(text)](Peer& refusing) {
    failed(refusing, util::str("They sent ERROR channel ", refusing.opening->temporary_id.hex(), ": ", shown(text)));
  });
}

void Openings::started(Peer& peer) {
  Opening& opening = *peer.opening;
  opening.step = Opening::Step::started;
  core_.monitor.told(peer, opening);
  json::Writer writer;
  writer.object().field("funding_address", segwit_address(opening.script));
  writer.field("scriptpubkey", util::to_hex(opening.script));
  if (opening.close_to) writer.field("close_to", *opening.close_to);
  writer.raw_field("channel_type", opening.channel_type);
  writer.field("warning_usage",
               "The funding transaction MUST NOT be broadcast until after channel establishment has been successfully "
               "completed by running `fundchannel_complete`");
  opening.command.succeed(writer.end().take());
  const auto& habits = habits_of(peer.setup.kind);
  if (habits.patience.count() > 0) refuse(peer, habits.patience, habits.too_late);
  if (const auto fault = peer.take_fault(Phase::started)) misbehave(peer, *fault);
}

std::optional<util::Error> Openings::refuse_complete(const Peer* peer) const {
  if (auto error = not_connected(peer)) return error;
  if (!peer->opening || peer->opening->step == Opening::Step::starting) {
    return util::Error{code::generic, "No channel funding in progress.", ""};
  }
  if (peer->opening->command) return util::Error{code::generic, "Channel funding in progress.", ""};
  return std::nullopt;
}

/// Of the parameter psbt; reports a bad one and gives nothing.
const Openings::Proposal* Openings::read_proposal(Params& params) {
  std::string text = params.text("psbt");
  if (last_proposal_ && last_proposal_->text == text) return &*last_proposal_;
  auto psbt = WalletRpc::psbt_param(params, "psbt");
  if (!psbt) return nullptr;
  auto unsafe = unknown_txid(*psbt);
  auto stored = util::share(psbt->base64(2));
  const auto txid = psbt->txid();
  last_proposal_ = Proposal{std::move(text), std::move(*psbt), std::move(stored), txid, std::move(unsafe)};
  return &*last_proposal_;
}

/// The one output for this channel. Error 309 when there is none, two, or one of another amount.
util::Result<std::uint32_t> Openings::find_output(const Opening& opening, const Proposal& proposal) const {
  const auto& psbt = proposal.psbt;
  std::optional<std::uint32_t> found;
  for (std::uint32_t i = 0; i < psbt.outputs().size(); ++i) {
    if (psbt.outputs()[i].script != opening.script) continue;
    if (found) return util::Error{bad_psbt, "Two outputs to open channel", ""};
    found = i;
  }
  if (!found) return util::Error{bad_psbt, "No output to open channel", ""};
  const auto amount = psbt.outputs()[*found].amount;
  if (amount != opening.amount) {
    return util::Error{
        bad_psbt, util::str("Output to open channel is ", amount.value, "sat, should be ", opening.amount.value, "sat"),
        ""};
  }
  if (proposal.unsafe) return *proposal.unsafe;
  return *found;
}

void Openings::complete(Params& params, Reply reply) {
  const auto id = params.node_id("id");
  const auto* told = read_proposal(params);
  const bool withhold = params.flag("withhold", false);
  if (params.error()) return reply.finish(*params.error());
  Peer* peer = core_.peers.find(id);
  if (const auto error = refuse_complete(peer)) return reply.finish(*error);
  const auto output = find_output(*peer->opening, *told);
  if (!output) return reply.finish(output.error());

  Opening& opening = *peer->opening;
  opening.step = Opening::Step::completing;
  opening.withhold = withhold;
  opening.psbt = told->stored;
  opening.funding = {told->txid, *output};
  opening.command = std::move(reply);
  core_.monitor.completing(*peer, told->psbt.outputs(), core_.asked, core_.runtime.now());
  if (!can_afford(opening)) {
    return failed(*peer,
                  "Could not meet their fees and reserve: Funder cannot afford fee on initial commitment transaction");
  }
  const auto fault = peer->take_fault(Phase::complete);
  tell(*peer, fault);
  if (fault) return misbehave(*peer, *fault);
  answer(*peer, peer->setup.delay * 2, [this](Peer& answering) { completed(answering); });
}

/// funding_created, on its way to a peer that keeps what it is told. Over a fault in this phase it goes silent, or
/// leaves, with the channel written down: that is the worst. Our own end does not call the message back.
void Openings::tell(Peer& peer, const std::optional<Fault>& fault) {
  if (!habits_of(peer.setup.kind).keeps_told || peer.frozen || (fault && fault->kind == Kind::refuse)) return;
  core_.runtime.start_timer(peer.setup.delay, [this, &peer, funding = peer.opening->funding, life = core_.lives,
                                               connection = peer.connection, lasts = fault.has_value()] {
    const bool left = life == core_.lives && (!peer.connected || peer.connection != connection);
    if (lasts || !(peer.frozen || left)) write_down(core_, peer, funding);
  });
}

void Openings::completed(Peer& peer) {
  Opening opening = std::exchange(peer.opening, std::nullopt).value();
  const Channel& channel = channels_.commit(peer, opening);
  core_.monitor.secured(channel.funding);
  const Asked queued{opening.origin, core_.runtime.now()};
  for (auto& cancel : opening.cancels) channels_.cancel_before_broadcast(peer, queued, std::move(cancel));
  json::Writer writer;
  writer.object().field("channel_id", channel.id.hex()).field("commitments_secured", true);
  opening.command.succeed(writer.end().take());
}

void Openings::failed(Peer& peer, const std::string& why) {
  Opening opening = std::exchange(peer.opening, std::nullopt).value();
  const std::string cancelled = json::Writer().object().field("cancelled", why).end().take();
  for (auto& cancel : opening.cancels) cancel.succeed(cancelled);
  opening.command.fail(code::generic, why);
}

void Openings::cancel(Params& params, Reply reply) {
  const auto id = params.node_id("id");
  if (params.error()) return reply.finish(*params.error());
  Peer* peer = core_.peers.find(id);
  if (peer == nullptr || !peer->known()) return reply.fail(code::unknown_peer, "Unknown peer");
  if (!peer->opening) return channels_.cancel_before_broadcast(*peer, core_.asked, std::move(reply));
  if (peer->opening->step == Opening::Step::starting) {
    return reply.fail(code::nothing_to_cancel, "No channel funding in progress.");
  }
  core_.monitor.ending(*peer, *peer->opening, "fundchannel_cancel", core_.asked);
  peer->opening->cancels.push_back(std::move(reply));
  if (peer->opening->step == Opening::Step::completing) return;
  later(*peer, openingd_reads, [this](Peer& listening) { failed(listening, "Channel open canceled by RPC"); });
}

}  // namespace sim
